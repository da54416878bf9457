/** A row of the table of policies as Temporal takes it. */
import type { ActivityOptions } from '@temporalio/workflow';
import {
  POLICIES,
  type Policy,
  type PolicyName,
  type PolicyOverrides,
} from '../contracts/policies.ts';

export function options(name: PolicyName, overrides: PolicyOverrides | undefined): ActivityOptions {
  const policy: Policy = { ...POLICIES[name], ...overrides?.[name] };
  return {
    startToCloseTimeout: policy.attemptMs,
    ...(policy.heartbeatMs === undefined ? {} : { heartbeatTimeout: policy.heartbeatMs }),
    cancellationType: 'TRY_CANCEL',
    retry: {
      initialInterval: policy.firstWaitMs,
      backoffCoefficient: policy.factor,
      maximumInterval: policy.maxWaitMs,
      ...(policy.attempts === null ? {} : { maximumAttempts: policy.attempts }),
    },
  };
}
