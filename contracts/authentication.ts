/** Signing in: what is tried, how it fails, when a provider is left alone. Pure, no zod. */
import type { ErrorInfo } from './errors.ts';

/** How a credential is proved or renewed. */
export const STRATEGIES = [
  'api-key',
  'oauth2-client-credentials',
  'oauth2-refresh',
  'command',
] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** Failures that may pass by themselves. `lost`: the worker went away in the attempt; `unavailable`: the journal did not answer. */
export const PASSING_FAILURES = [
  'network',
  'timeout',
  'rate_limited',
  'provider_error',
  'circuit_open',
  'lost',
  'unavailable',
] as const;
/** Failures that stay until somebody changes something. */
export const LASTING_FAILURES = [
  'invalid_credentials',
  'unknown_credential',
  'misconfigured',
] as const;
export type AuthFailureKind = (typeof PASSING_FAILURES | typeof LASTING_FAILURES)[number];

/** One attempt, for people: no reason holds a secret. */
export interface AuthAttempt {
  /** From 1. */
  readonly number: number;
  readonly kind: 'succeeded' | AuthFailureKind;
  /** Empty where it succeeded. */
  readonly reason: string;
}

/** What the activity returns; a failure is thrown with its attempts as details. */
export interface Authenticated {
  readonly credential: string;
  /** Absent where there is no such credential. */
  readonly strategy?: Strategy | undefined;
  readonly attempts: readonly AuthAttempt[];
}

/** How signing in ended for good. */
export type AuthOutcome = Authenticated &
  ({ readonly outcome: 'succeeded' } | { readonly outcome: 'failed'; readonly error: ErrorInfo });

export interface BreakerRules {
  /** Failures in a row, over all workers, that open it. */
  readonly failuresToOpen: number;
  /** How long nobody asks the provider; then one attempt probes it. */
  readonly openMs: number;
  /** A probe that has said nothing for this long is given up, and another attempt may probe. */
  readonly probeMs: number;
}

/** Mission D2: one breaker a provider, shared through the journal. */
export const AUTH_BREAKER: BreakerRules = {
  failuresToOpen: 5,
  openMs: 30_000,
  probeMs: 45_000,
};
