/** What is wrong with the settings, said so that a person can mend it: where, what stands there, what is allowed. */
import type { z } from 'zod';
import { nearest } from './nearest.ts';
import { describeSchema, keysOf, schemaAt } from './walk.ts';

export interface Problem {
  /** Dotted path of the setting: `models.fast.provider`; empty for the whole file. */
  readonly path: string;
  /** `perdure.yaml:12` or `PERDURE_API_PORT`; absent where the setting is nowhere. */
  readonly source?: string | undefined;
  readonly message: string;
}

/** Lists every problem at once: a person mends them in one go. */
export class SettingsError extends Error {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
    super([`The settings have ${count}:`, ...problems.map(formatProblem)].join('\n'));
    this.name = 'SettingsError';
    this.problems = problems;
  }
}

function formatProblem({ path, source, message }: Problem): string {
  const where = [path, source && `(${source})`].filter(Boolean).join(' ');
  return `  - ${where}: ${message}`;
}

/** `agents.writer.tools[0]` */
export const dotted = (path: readonly PropertyKey[]): string =>
  path
    .map((key, index) =>
      typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${String(key)}`,
    )
    .join('');

/** Settings under these keys may hold a secret that somebody pasted in the wrong place: never shown. */
const HIDDEN = /(key|url|headers|token|secret|password|env$)/i;
const SHOWN_CHARACTERS = 60;

/** The value as an error shows it. */
export function shown(value: unknown, path: readonly PropertyKey[]): string {
  if (path.some((key) => HIDDEN.test(String(key))) && typeof value === 'string')
    return 'something that is not shown here';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

export interface PathProblem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** Settings that would do instead: where one of them is there and wrong, this is no problem of its own. */
  readonly orElse?: readonly (readonly PropertyKey[])[] | undefined;
}

/** One issue of zod's as problems: an issue about unknown keys is one problem a key. */
export function problemsOfIssue(
  issue: z.core.$ZodIssue,
  context: { readonly schema: z.core.$ZodType; readonly input: unknown },
): readonly PathProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = keysOf(schemaAt(context.schema, issue.path));
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      message: unknownKey(key, known),
    }));
  }
  if (issue.code === 'invalid_key') {
    const reasons = issue.issues.map(({ message }) => message).join('; ');
    return [{ path: issue.path, message: `is a name that cannot be used; ${reasons}` }];
  }
  const value = valueAt(context.input, issue.path);
  if (value === undefined) {
    return [{ path: issue.path, message: `is missing; ${expectation(issue, context.schema)}` }];
  }
  const message = `is ${shown(value, issue.path)}; ${expectation(issue, context.schema)}`;
  return [{ path: issue.path, message }];
}

export function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  const hint = meant ? `did you mean "${meant}"; ` : '';
  return `is not a setting; ${hint}known here: ${known.join(', ')}`;
}

function expectation(issue: z.core.$ZodIssue, schema: z.core.$ZodType): string {
  if (issue.code === 'invalid_type')
    return `expected ${typeName(issue.expected)}${meaning(schema, issue.path)}`;
  if (issue.code === 'invalid_value')
    return `expected one of ${issue.values.map((value) => String(value)).join(', ')}`;
  if (issue.code === 'too_small') return `expected at least ${issue.minimum}${unit(issue.origin)}`;
  if (issue.code === 'too_big') return `expected at most ${issue.maximum}${unit(issue.origin)}`;
  if (issue.code === 'invalid_format' && issue.format === 'url') return 'expected a URL';
  return issue.message;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of settings',
  record: 'a mapping of names',
};
const typeName = (expected: string): string => TYPE_NAMES[expected] ?? expected;

const unit = (origin: string): string =>
  origin === 'string' ? ' characters' : origin === 'array' ? ' entries' : '';

function meaning(schema: z.core.$ZodType, path: readonly PropertyKey[]): string {
  const found = schemaAt(schema, path);
  const description = found && describeSchema(found).description;
  return description ? ` (${description.replace(/\.$/, '')})` : '';
}

export function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined,
    input,
  );
}
