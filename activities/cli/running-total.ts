/** Some programs say what was used since they began, not what one answer took: here is the difference. */
import type { CliProvider, UsageRule } from '../../contracts/cli-providers.ts';
import { NO_USAGE, type Usage } from '../../contracts/usage.ts';
import type { Used } from './json-line.ts';

const NOTHING: Used = { usage: NO_USAGE, costUsd: 0 };

/** A sum that went down has begun anew. */
const since = (now: number, before: number): number => (now < before ? now : now - before);

const usageSince = (now: Usage, before: Usage): Usage => ({
  inputTokens: since(now.inputTokens, before.inputTokens),
  outputTokens: since(now.outputTokens, before.outputTokens),
  cachedInputTokens: since(now.cachedInputTokens, before.cachedInputTokens),
  reasoningTokens: since(now.reasoningTokens, before.reasoningTokens),
});

export class RunningTotal {
  readonly #counts: UsageRule['cumulative'];
  #before: Used;

  /** @param before what the conversation took so far, where it began before */
  constructor({ output }: Pick<CliProvider, 'output'>, before: Used = NOTHING) {
    this.#before = before;
    this.#counts = (output.format === 'json-lines' && output.usage?.cumulative) || 'nothing';
  }

  /** A new process counts its cost from nothing; the tokens are the conversation's. */
  startAnew(): void {
    if (this.#counts === 'cost') this.#before = NOTHING;
  }

  since(now: Used): Used {
    const { usage, costUsd } = this.#before;
    this.#before = now;
    if (this.#counts === 'tokens') return { ...now, usage: usageSince(now.usage, usage) };
    if (this.#counts === 'cost') return { ...now, costUsd: since(now.costUsd, costUsd) };
    return now;
  }
}
