/** Asks a provider only while the fleet's circuit breaker for it lets one. */
import { AUTH_BREAKER } from '../../contracts/authentication.ts';
import type { BreakerReport, BreakerStore } from '../../journal/port.ts';
import type { ActivityLog } from '../observed.ts';
import { Answered, AuthFailure, classifyAuthFailure, isCancelled } from './failure.ts';

export interface BreakerParts {
  readonly store: BreakerStore;
  readonly log: ActivityLog;
}

export interface GuardedSignIn<T> {
  /** The breaker's. */
  readonly key: string;
  /** Of whoever asks. That he goes away says nothing about the provider; that his time is over does. */
  readonly signal: AbortSignal;
  readonly call: () => Promise<T>;
}

/** @throws {AuthFailure} `circuit_open` without a call, or what the call throws */
export async function guarded<T>(
  parts: BreakerParts,
  { key, signal, call }: GuardedSignIn<T>,
): Promise<T> {
  const admission = await parts.store.admit(key, AUTH_BREAKER);
  if (!admission.admitted) throw circuitOpen(admission.retryInMs);
  const { probe } = admission;
  try {
    const result = await call();
    await tell(parts, key, { outcome: 'answered', probe });
    return result;
  } catch (error) {
    await tell(parts, key, { outcome: meaningOf(error, signal), probe });
    throw error;
  }
}

const circuitOpen = (retryInMs: number): AuthFailure =>
  new AuthFailure(
    'circuit_open',
    `it failed repeatedly and is not asked for ${Math.ceil(retryInMs / 1_000)} s`,
    { retryAfterMs: Math.ceil(retryInMs) },
  );

function meaningOf(error: unknown, signal: AbortSignal): BreakerReport['outcome'] {
  if (isCancelled(signal)) return 'abandoned';
  const { outage, kind } = classifyAuthFailure(error);
  if (outage) return 'outage';
  // Whoever refuses is there.
  return error instanceof Answered || kind === 'invalid_credentials' ? 'answered' : 'abandoned';
}

/** What it learns helps others; that it cannot be written is no reason to fail this one. */
async function tell(parts: BreakerParts, key: string, report: BreakerReport): Promise<void> {
  const { store, log } = parts;
  try {
    await store.report(key, report, AUTH_BREAKER);
  } catch (error) {
    log.warn({ breaker: key, err: error }, 'the circuit breaker was not told');
  }
}
