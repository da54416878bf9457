/** What a failure means for the step: its two budgets, the fallback models, the wait. Pure. */
import type { ErrorInfo } from '../../contracts/errors.ts';
import { errorInfo } from '../../contracts/errors.ts';
import { MODEL_BUDGET, backoffMs } from '../../contracts/policies.ts';
import type { Policy } from '../../contracts/policies.ts';
import type { ModelFailure } from './failure.ts';

export interface StepStanding {
  /** Failures charged to the present model before this one. */
  readonly charged: number;
  readonly hasFallback: boolean;
  readonly policy: Policy;
}

export type Verdict =
  | {
      readonly next: 'retry';
      readonly afterMs: number;
      readonly failures: number;
    }
  | { readonly next: 'fallback' }
  | { readonly next: 'give-up'; readonly error: ErrorInfo };

/** After a failure that is charged. */
export function judge(failure: ModelFailure, step: StepStanding): Verdict {
  const failures = step.charged + 1;
  const wait = failure.retryAfterMs ?? backoffMs(step.policy, failures);
  if (failure.retryable && failures < MODEL_BUDGET.charged && wait <= MODEL_BUDGET.maxRetryAfterMs)
    return { next: 'retry', afterMs: wait, failures };
  if (failure.fallback && step.hasFallback) return { next: 'fallback' };
  const exhausted = failure.retryable && failures >= MODEL_BUDGET.charged;
  return {
    next: 'give-up',
    error: exhausted
      ? errorInfo(
          'max_attempts_exceeded',
          `The model failed ${failures} times; the last time: ${failure.message}`,
        )
      : errorInfo(failure.code, failure.message),
  };
}
