/** What is left of the limits, turned into the length of the next answer: reserved before, settled after. Pure. */
import type { Allowance } from '../../contracts/activities.ts';
import { totalTokens } from '../../contracts/usage.ts';
import type { Prices, Spend } from '../../contracts/usage.ts';

/** A shorter answer is of no use to anybody: the limit counts as reached. */
const MIN_OUTPUT_TOKENS = 16;

export interface Reservation {
  readonly maxOutputTokens: number;
  /** Set where the limit, not the model, makes the answer this short. */
  readonly limitedBy: 'limit_exceeded' | 'budget_exhausted' | null;
  /** True where not even a short answer is possible. */
  readonly exhausted: boolean;
}

const left = (allowed: number | null, limit: number | null, spent: number): number | null =>
  limit === null ? allowed : Math.min(allowed ?? Infinity, Math.max(0, limit - spent));

/**
 * No more than what is left of the session's own limits by the journal's sum, in which every call is that was cut off.
 * @param spent by the session, as its row says
 */
export const heldAgainst = (spent: Spend, allowance: Allowance): Allowance => {
  const { session, tokens, usd } = allowance;
  if (!session) return allowance;
  return {
    tokens: left(tokens, session.tokens, totalTokens(spent.usage)),
    usd: left(usd, session.usd, spent.costUsd),
  };
};

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
