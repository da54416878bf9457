/**
 * The one declarative table of retries and time limits. Temporal's policy is the only owner of retries: every library below it
 * is told to make none. Pure, no zod: workflows build their activity proxies from it.
 */
import { TIME_LIMITS } from './limits.ts';
import type { Effect } from './tools.ts';

export interface Policy {
  /** Attempts in all; null is "until it works". */
  readonly attempts: number | null;
  /** First wait, factor, longest wait. */
  readonly firstWaitMs: number;
  readonly factor: number;
  readonly maxWaitMs: number;
  /** Limit of one attempt. */
  readonly attemptMs: number;
  readonly heartbeatMs?: number | undefined;
}

const TOOL = {
  attempts: 3,
  firstWaitMs: 1_000,
  factor: 2,
  maxWaitMs: 30_000,
  attemptMs: TIME_LIMITS.commandMs,
  heartbeatMs: TIME_LIMITS.heartbeatMs,
} as const satisfies Policy;

/** A slow machine starts a large program in a few seconds. */
const PROGRAM_START_MS = 30_000;

export const POLICIES = {
  /** Unlimited for Temporal; the budgets below live in the step's row, because a worker's shutdown uses up a Temporal attempt. */
  model: {
    attempts: null,
    firstWaitMs: 1_000,
    factor: 2,
    maxWaitMs: 30_000,
    attemptMs: TIME_LIMITS.modelAttemptMs,
    heartbeatMs: TIME_LIMITS.heartbeatMs,
  },
  toolRead: TOOL,
  toolKeyed: TOOL,
  /** Temporal may hand a lost attempt out again only so that the outcome can be settled as unknown; the tool never runs twice. */
  toolNeverRetry: TOOL,
  authenticate: {
    attempts: 3,
    firstWaitMs: 1_000,
    factor: 2,
    maxWaitMs: 30_000,
    attemptMs: TIME_LIMITS.authMs,
  },
  /** Starting a program that answers (a CLI engine), on any worker. */
  startProgram: {
    attempts: 3,
    firstWaitMs: 1_000,
    factor: 2,
    maxWaitMs: 30_000,
    attemptMs: PROGRAM_START_MS,
  },
  /** One message to such a program. It is never sent twice: a second attempt is refused by the step's row too. */
  command: {
    attempts: 1,
    firstWaitMs: 1_000,
    factor: 1,
    maxWaitMs: 1_000,
    attemptMs: TIME_LIMITS.commandMs,
    heartbeatMs: TIME_LIMITS.heartbeatMs,
  },
  record: {
    attempts: null,
    firstWaitMs: 100,
    factor: 2,
    maxWaitMs: 10_000,
    attemptMs: 10_000,
  },
} as const satisfies Record<string, Policy>;
export type PolicyName = keyof typeof POLICIES;
export type Policies = { readonly [Name in PolicyName]: Policy };
/** Which row is a tool's. */
export const TOOL_POLICY = {
  read: 'toolRead',
  keyed: 'toolKeyed',
  'never-retry': 'toolNeverRetry',
} as const satisfies Record<Effect, PolicyName>;
/** What configuration changes in the table; only the difference, because it travels in a session's start. */
export type PolicyOverrides = {
  readonly [Name in PolicyName]?: Partial<Policy> | undefined;
};

/** A provider that asks for a longer wait than this is not waited for. */
export const MAX_RETRY_AFTER_MS = 300_000;

/** Budgets of one model step. */
export const MODEL_BUDGET = {
  /** Failures that the provider answers for. */
  charged: 3,
  /** Attempts that ended for reasons of our own: a dead worker, a shutdown, an unreachable journal. */
  interruptions: 10,
  /** A longer Retry-After means: fall back or fail. */
  maxRetryAfterMs: MAX_RETRY_AFTER_MS,
} as const;

/** Wait before the next attempt, after `failures` failures (1 = the first): first × factor^(failures−1), capped. */
export const backoffMs = (policy: Policy, failures: number): number =>
  Math.min(policy.maxWaitMs, policy.firstWaitMs * policy.factor ** Math.max(0, failures - 1));
