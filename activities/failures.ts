/** Everything that leaves an activity is a failure that Temporal knows what to do with. */
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { ZodError } from 'zod';
import { PerdureError } from '../contracts/perdure-error.ts';
import { AttemptClosed } from '../journal/port.ts';
import { Stopped } from './liveness.ts';

/** Our own codes become the failure's type; whether they are worth a retry stands in the table of errors. Unknown errors are retried. */
export function toFailure(error: unknown): unknown {
  if (error instanceof AttemptClosed)
    return new Stopped(error.reason === 'superseded' ? 'superseded' : 'sealed').toFailure();
  if (error instanceof Stopped) return error.toFailure();
  if (error instanceof PerdureError)
    return ApplicationFailure.create({
      type: error.code,
      message: error.message,
      nonRetryable: !error.retryable,
      category: ApplicationFailureCategory.BENIGN,
    });
  if (error instanceof ZodError)
    return ApplicationFailure.create({
      type: 'invalid_input',
      message: error.message,
      nonRetryable: true,
    });
  return error;
}

/** An activity whose errors are translated. */
export const translated =
  <Args extends unknown[], Result>(
    activity: (...args: Args) => Promise<Result>,
  ): ((...args: Args) => Promise<Result>) =>
  async (...args) => {
    try {
      return await activity(...args);
    } catch (error) {
      throw toFailure(error);
    }
  };
