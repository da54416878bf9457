/** Tokens and money. Pure and without zod: workflows add these up too. */

export interface Usage {
  /** All input tokens, cached ones included. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  /** Part of outputTokens. */
  readonly reasoningTokens: number;
}

export interface Spend {
  readonly usage: Usage;
  /** US dollars. */
  readonly costUsd: number;
}

export const NO_USAGE: Usage = Object.freeze({
  inputTokens: 0,
  outputTokens: 0,
  cachedInputTokens: 0,
  reasoningTokens: 0,
});
export const NO_SPEND: Spend = Object.freeze({ usage: NO_USAGE, costUsd: 0 });

export const addUsage = (a: Usage, b: Usage): Usage => ({
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
  reasoningTokens: a.reasoningTokens + b.reasoningTokens,
});

export const addSpend = (a: Spend, b: Spend): Spend => ({
  usage: addUsage(a.usage, b.usage),
  costUsd: a.costUsd + b.costUsd,
});

/** Input and output together. */
export const totalTokens = (usage: Usage): number => usage.inputTokens + usage.outputTokens;

/** US dollars per million tokens. */
export interface Prices {
  readonly inputUsdPerMTok: number;
  readonly outputUsdPerMTok: number;
  /** Defaults to the input price. */
  readonly cachedInputUsdPerMTok?: number | undefined;
}

/** cost = (uncached input × input price + cached input × cached price + output × output price) / 10⁶ */
export function costOf(usage: Usage, prices: Prices): number {
  const uncached = Math.max(0, usage.inputTokens - usage.cachedInputTokens);
  const cachedPrice = prices.cachedInputUsdPerMTok ?? prices.inputUsdPerMTok;
  return (
    (uncached * prices.inputUsdPerMTok +
      usage.cachedInputTokens * cachedPrice +
      usage.outputTokens * prices.outputUsdPerMTok) /
    1e6
  );
}
