/** `authenticate`: one attempt of Temporal's is one attempt to sign in. The attempts before travel in heartbeats, which enter no history. */
import { Context } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { AuthenticateInput } from '../../contracts/activities.ts';
import { attemptsInWords, withAttempt } from '../../contracts/auth-attempts.ts';
import type { AuthAttempt, Authenticated } from '../../contracts/authentication.ts';
import { backoffMs, MAX_RETRY_AFTER_MS } from '../../contracts/policies.ts';
import type { Policy } from '../../contracts/policies.ts';
import type { ActivityLog } from '../observed.ts';
import { Stopped } from '../liveness.ts';
import type { Authenticator } from './authenticator.ts';
import type { AuthVerdict } from './failure.ts';
import { ownDeadline } from './own-deadline.ts';

export interface AuthenticateParts {
  readonly authenticator: Authenticator;
  readonly policy: Policy;
  readonly log: ActivityLog;
}

export const createAuthenticate =
  ({ authenticator, policy, log }: AuthenticateParts) =>
  async ({ credential, renew }: AuthenticateInput): Promise<Authenticated> => {
    const context = Context.current();
    const { attempt: number, heartbeatDetails, startToCloseTimeoutMs } = context.info;
    const before = (heartbeatDetails ?? []) as readonly AuthAttempt[];
    const signal = ownDeadline(startToCloseTimeoutMs);
    const strategy = authenticator.strategyOf(credential);
    try {
      await authenticator.attempt(credential, { signal, renew });
      const attempts = withAttempt(before, { number, kind: 'succeeded', reason: '' });
      return { credential, ...(strategy && { strategy }), attempts };
    } catch (error) {
      if (context.cancellationSignal.aborted) throw new Stopped('cancelled', error).toFailure();
      const verdict = authenticator.verdict(credential, error);
      const { kind, reason } = verdict;
      const attempts = withAttempt(before, { number, kind, reason });
      log.warn({ credential, attempt: number, kind, reason }, 'signing in failed');
      context.heartbeat(attempts);
      const last =
        number >= (context.info.retryPolicy?.maximumAttempts ?? policy.attempts ?? Infinity);
      throw failureOf(credential, { verdict, attempts, last, policy });
    }
  };

interface Failed {
  readonly verdict: AuthVerdict;
  readonly attempts: readonly AuthAttempt[];
  readonly last: boolean;
  readonly policy: Policy;
}

function failureOf(credential: string, failed: Failed): ApplicationFailure {
  const { verdict, attempts, policy } = failed;
  const final = finalCode(failed);
  // The provider knows better than the policy; but never sooner than that.
  const wait = Math.max(verdict.retryAfterMs ?? 0, backoffMs(policy, attempts.length));
  return ApplicationFailure.create({
    type: final ?? verdict.kind,
    message: `Signing in with "${credential}" failed: ${attemptsInWords(attempts)}`,
    nonRetryable: final !== undefined,
    details: [attempts],
    category: ApplicationFailureCategory.BENIGN,
    ...(final === undefined && verdict.retryAfterMs !== undefined && { nextRetryDelay: wait }),
  });
}

function finalCode({ verdict, last }: Failed): 'auth_failed' | 'max_attempts_exceeded' | undefined {
  if (!verdict.retryable) return 'auth_failed';
  const tooLong = (verdict.retryAfterMs ?? 0) > MAX_RETRY_AFTER_MS;
  return last || tooLong ? 'max_attempts_exceeded' : undefined;
}
