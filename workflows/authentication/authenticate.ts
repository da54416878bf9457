/**
 * Signing in, for any workflow that must before it goes on. The policy is declared in `contracts/policies.ts`; the secret stays in the worker:
 * the workflow knows the credential's name and how it went.
 */
import { ActivityFailure, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { AuthActivities, AuthenticateInput } from '../../contracts/activities.ts';
import type { AuthOutcome } from '../../contracts/authentication.ts';
import { POLICIES, type Policy, type PolicyOverrides } from '../../contracts/policies.ts';
import { options } from '../activity-options.ts';
import { failedOutcome } from './outcome.ts';

export type Authenticate = (input: AuthenticateInput) => Promise<AuthOutcome>;

/** @returns a call that never throws for what a provider does, only for a cancellation */
export function authenticateBy(overrides: PolicyOverrides | undefined): Authenticate {
  const policy = options('authenticate', overrides);
  const { authenticate } = proxyActivities<AuthActivities>(policy);
  const { attempts: most }: Policy = { ...POLICIES.authenticate, ...overrides?.authenticate };
  return async (input) => {
    const summary = `sign in: ${input.credential}`;
    try {
      const done = await authenticate.executeWithOptions({ ...policy, summary }, [input]);
      return { ...done, outcome: 'succeeded' };
    } catch (error) {
      if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
      return failedOutcome(input.credential, error, most);
    }
  };
}
