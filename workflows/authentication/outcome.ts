/** How signing in ended, from what its activity failed with. Pure. */
import { ApplicationFailure, TimeoutFailure, type ActivityFailure } from '@temporalio/common';
import { attemptsInWords, withAttempt } from '../../contracts/auth-attempts.ts';
import type { AuthAttempt, AuthOutcome } from '../../contracts/authentication.ts';
import { errorInfo } from '../../contracts/errors.ts';

const isAttempts = (value: unknown): value is readonly AuthAttempt[] =>
  Array.isArray(value) && value.every((each) => typeof each?.number === 'number');

/**
 * A failure of our own brings its attempts. Of an attempt whose worker went away, or which took too long, nobody said anything: then the
 * last heartbeat has those before it.
 * @param most attempts that the policy allows; null is any number
 */
export function failedOutcome(
  credential: string,
  failure: ActivityFailure,
  most: number | null,
): AuthOutcome {
  const { cause } = failure;
  const [told] = cause instanceof ApplicationFailure ? (cause.details ?? []) : [];
  if (isAttempts(told) && cause instanceof ApplicationFailure) {
    const code = cause.type === 'auth_failed' ? cause.type : 'max_attempts_exceeded';
    const error = errorInfo(code, cause.message);
    return { outcome: 'failed', credential, attempts: told, error };
  }
  const heard = cause instanceof TimeoutFailure ? cause.lastHeartbeatDetails : undefined;
  const before = isAttempts(heard) ? heard : [];
  const number = most ?? (before.at(-1)?.number ?? 0) + 1;
  const reason = cause?.message ?? failure.message;
  const kind = cause instanceof TimeoutFailure ? 'timeout' : 'lost';
  const attempts = withAttempt(before, { number, kind, reason });
  const message = `Signing in with "${credential}" failed: ${attemptsInWords(attempts)}`;
  const error = errorInfo('max_attempts_exceeded', message);
  return { outcome: 'failed', credential, attempts, error };
}
