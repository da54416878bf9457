/** Finds things in one JSON line of a program. Pure. */
import type { LineMatch, LineRule, UsageRule } from '../../contracts/cli-providers.ts';
import { NO_USAGE, type Usage } from '../../contracts/usage.ts';

export type Line = Readonly<Record<string, unknown>>;

/** @returns undefined for what is no JSON object */
export function parseLine(text: string): Line | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}

/** What stands at `event.delta.text` or `errors.0`; own properties only. */
export function valueAt(line: Line, path: string): unknown {
  let value: unknown = line;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

export const matches = (line: Line, match: LineMatch): boolean =>
  Object.entries(match).every(([path, wanted]) => (valueAt(line, path) ?? null) === wanted);

/** The text that the rule takes from the line; undefined where it does not hold, or takes no text. */
export function taken(line: Line, rule: LineRule): string | undefined {
  if (!matches(line, rule.when)) return undefined;
  const value = valueAt(line, rule.take);
  return typeof value === 'string' ? value : undefined;
}

/** The first that holds and takes more than nothing. */
export const firstTaken = (line: Line, rules: readonly LineRule[]): string | undefined =>
  rules.map((rule) => taken(line, rule)).find((text) => text !== undefined && text !== '');

export interface Used {
  readonly usage: Usage;
  readonly costUsd: number;
}

export function usedIn(line: Line, rule: UsageRule | undefined): Used | undefined {
  if (!rule || !matches(line, rule.when)) return undefined;
  return {
    usage: {
      ...NO_USAGE,
      inputTokens: sum(line, rule.inputTokens),
      outputTokens: sum(line, rule.outputTokens),
      cachedInputTokens: sum(line, rule.cachedInputTokens),
    },
    costUsd: rule.costUsd === undefined ? 0 : figure(valueAt(line, rule.costUsd)),
  };
}

const sum = (line: Line, paths: readonly string[]): number =>
  paths.reduce((total, path) => total + figure(valueAt(line, path)), 0);

/** A program may say anything; what is no figure counts as none. */
const figure = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
