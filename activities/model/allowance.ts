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

/** What is known in the worker to be spent. */
interface Spent {
  /** By the session, as the journal has it. */
  readonly session: Spend;
  /** By this step so far: earlier attempts and summaries, of which the workflow has not heard. */
  readonly step: Spend;
}

/**
 * What is left when the step's own spending so far is taken off, and no more than the journal's sum leaves of the session's own limits: in
 * that sum is every call that was cut off.
 */
export const heldAgainst = (spent: Spent, { session, tokens, usd }: Allowance): Allowance => {
  const inStep = totalTokens(spent.step.usage);
  const ofTurn = { tokens: left(null, tokens, inStep), usd: left(null, usd, spent.step.costUsd) };
  if (!session) return ofTurn;
  return {
    tokens: left(ofTurn.tokens, session.tokens, totalTokens(spent.session.usage)),
    usd: left(ofTurn.usd, session.usd, spent.session.costUsd),
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
