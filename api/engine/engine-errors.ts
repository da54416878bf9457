import {
  isGrpcServiceError,
  QueryNotRegisteredError,
  QueryRejectedError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { isErrorCode } from '../errors.ts';

/** No run of this workflow is open: it never began, has ended, or was terminated by hand. */
export class NoOpenRun extends Error {
  constructor(cause: unknown) {
    super('no open run of this workflow', { cause });
    this.name = 'NoOpenRun';
  }
}

/** gRPC's status codes (https://grpc.io/docs/guides/status-codes/). */
const GRPC = { cancelled: 1, deadline: 4, exhausted: 8, failedPrecondition: 9, unavailable: 14 };

/** What Temporal's client threw, as our own error; what is not Temporal's comes back as it was. */
export function engineError(error: unknown): unknown {
  if (error instanceof WorkflowNotFoundError || error instanceof QueryRejectedError)
    return new NoOpenRun(error);
  if (error instanceof WorkflowExecutionAlreadyStartedError) return error;
  if (error instanceof WorkflowUpdateFailedError) return refusedUpdate(error);
  if (
    error instanceof WorkflowUpdateRPCTimeoutOrCancelledError ||
    error instanceof QueryNotRegisteredError
  )
    return noWorker(error);
  const grpc = grpcCodeOf(error);
  return grpc === undefined ? error : fromGrpc(grpc, error);
}

function refusedUpdate(error: WorkflowUpdateFailedError): PerdureError {
  const { cause } = error;
  if (cause instanceof ApplicationFailure && isErrorCode(cause.type))
    return new PerdureError(cause.type, cause.message, { cause: error });
  return new PerdureError('internal', 'The session could not make this change.', { cause: error });
}

/**
 * An update that came beside a message by which the session's run was not to end after all: that task is given again without the update, which
 * is nowhere. To be made again, under its id.
 */
export const isDroppedUpdate = (error: unknown): boolean =>
  error instanceof PerdureError && grpcCodeOf(error.cause) === GRPC.failedPrecondition;

/** The time that was given to a call is over. */
export const isDeadline = (error: unknown): boolean => grpcCodeOf(error) === GRPC.deadline;

const noWorker = (cause: unknown): PerdureError =>
  new PerdureError('worker_unavailable', 'No worker answered in time.', { cause });

function fromGrpc(code: number, cause: unknown): unknown {
  if (code === GRPC.exhausted)
    return new PerdureError('resource_exhausted', 'Temporal is over its limits.', { cause });
  // "Failed precondition" is how a query without any worker on the queue ends.
  if (code === GRPC.failedPrecondition) return noWorker(cause);
  if (code === GRPC.unavailable || code === GRPC.deadline || code === GRPC.cancelled)
    return new PerdureError('engine_unavailable', 'Temporal cannot be reached at the moment.', {
      cause,
    });
  return cause;
}

function grpcCodeOf(error: unknown): number | undefined {
  if (isGrpcServiceError(error)) return error.code;
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? undefined : grpcCodeOf(cause);
}
