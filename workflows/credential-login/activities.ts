/** What a login asks of workers. A provider's failure is an answer; only a worker that goes away is not. */
import { ActivityFailure, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { LoginActivities } from '../../contracts/activities.ts';
import type { LoginAnswer, LoginBegun } from '../../contracts/credential-login.ts';
import { POLICIES, type Policy, type PolicyOverrides } from '../../contracts/policies.ts';

/** What the provider gave is stored even where the journal is away for a moment. */
const SAVE_MS = 60_000;

/** Once each: a person waits at the terminal, and asking again is the workflow's own decision. */
export function loginActivities(overrides: PolicyOverrides | undefined): LoginActivities {
  const { attemptMs }: Policy = { ...POLICIES.authenticate, ...overrides?.authenticate };
  const retry = { maximumAttempts: 1 };
  const { beginLogin } = proxyActivities<LoginActivities>({
    scheduleToCloseTimeout: attemptMs,
    retry,
  });
  const { askForLogin } = proxyActivities<LoginActivities>({
    startToCloseTimeout: attemptMs + SAVE_MS,
    retry,
  });
  return {
    beginLogin: (input) => beginLogin(input).catch(notBegun),
    askForLogin: (input) => askForLogin(input).catch(notAsked),
  };
}

function notBegun(error: unknown): LoginBegun {
  if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
  return { state: 'failed', message: 'no worker had a code in time: begin again' };
}

function notAsked(error: unknown): LoginAnswer {
  if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
  return { state: 'unreachable' };
}
