/** What is left of the limits, turned into the length of the next answer: reserved before, settled after. Pure. */
import type { Allowance } from '../../contracts/activities.ts';
import type { Prices } from '../../contracts/usage.ts';

/** A shorter answer is of no use to anybody: the limit counts as reached. */
const MIN_OUTPUT_TOKENS = 16;

export interface Reservation {
  readonly maxOutputTokens: number;
  /** Set where the limit, not the model, makes the answer this short. */
  readonly limitedBy: 'limit_exceeded' | 'budget_exhausted' | null;
  /** True where not even a short answer is possible. */
  readonly exhausted: boolean;
}

export function reserve(
  wanted: number,
  inputTokens: number,
  { allowance, prices }: { allowance: Allowance; prices: Prices },
): Reservation {
  const byTokens = allowance.tokens === null ? Infinity : allowance.tokens - inputTokens;
  const inputUsd = (inputTokens * prices.inputUsdPerMTok) / 1e6;
  const leftUsd = allowance.usd === null ? Infinity : allowance.usd - inputUsd;
  const byUsd =
    prices.outputUsdPerMTok === 0
      ? leftUsd < 0 || allowance.usd === 0
        ? 0
        : Infinity
      : (leftUsd * 1e6) / prices.outputUsdPerMTok;
  const possible = Math.floor(Math.min(wanted, byTokens, byUsd));
  return {
    maxOutputTokens: possible,
    limitedBy:
      possible >= wanted ? null : byTokens <= byUsd ? 'limit_exceeded' : 'budget_exhausted',
    exhausted: possible < Math.min(MIN_OUTPUT_TOKENS, wanted),
  };
}
