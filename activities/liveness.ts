/**
 * From an activity's entry to its exit: heartbeats on a timer (not only while tokens flow), and the reasons to stop, told apart.
 */
import {
  ApplicationFailure,
  ApplicationFailureCategory,
  CancelledFailure,
} from '@temporalio/common';
import { Context } from '@temporalio/activity';
import type { Closed } from '../journal/port.ts';

/**
 * `sealed`: a person or a limit ended the step, the journal refuses further writes. `superseded`: a newer attempt owns it.
 * `shutdown`: this worker goes away. `cancelled`: Temporal no longer wants it (the workflow is gone, or asked so).
 * `journal`: it could not be written to for too long. The last three are interruptions, never a success or a person's stop.
 */
export type StopReason = 'sealed' | 'superseded' | 'shutdown' | 'cancelled' | 'journal';

const FAILURE_TYPES = {
  sealed: 'AttemptSealed',
  superseded: 'AttemptSuperseded',
  shutdown: 'WorkerShutdown',
  journal: 'JournalUnavailable',
} as const;

export class Stopped extends Error {
  readonly reason: StopReason;
  constructor(reason: StopReason, cause?: unknown) {
    super(`the attempt stops: ${reason}`, cause === undefined ? undefined : { cause });
    this.name = 'Stopped';
    this.reason = reason;
  }

  /** How the activity ends, so that Temporal does the right thing next; benign, because nothing is wrong with this worker. */
  toFailure(): Error {
    if (this.reason === 'cancelled') return new CancelledFailure(this.message);
    const final = this.reason === 'sealed' || this.reason === 'superseded';
    return ApplicationFailure.create({
      type: FAILURE_TYPES[this.reason],
      message: this.message,
      category: ApplicationFailureCategory.BENIGN,
      nonRetryable: final,
      // Another worker may go on at once; only the journal needs Temporal's backoff.
      ...(this.reason === 'shutdown' ? { nextRetryDelay: 1 } : {}),
    });
  }
}

export interface Liveness extends Disposable {
  /** Aborts with a {@link Stopped}. */
  readonly signal: AbortSignal;
  stop(reason: StopReason, cause?: unknown): void;
  /** Learns from the journal within milliseconds that this attempt is closed, without waiting for a heartbeat's answer. */
  stopWhen(whenClosed: (done: AbortSignal) => Promise<Closed | 'aborted'>): void;
}

/** @param heartbeatEveryMs the SDK sends them at most this often anyway; the first comes after it, so that short calls cost none */
export function watchLiveness(heartbeatEveryMs: number): Liveness {
  const context = Context.current();
  const controller = new AbortController();
  const stop = (reason: StopReason, cause?: unknown): void =>
    controller.abort(new Stopped(reason, cause));
  const onCancel = (): void =>
    stop(
      context.cancellationDetails?.workerShutdown === true ||
        String(context.cancellationSignal.reason).includes('WORKER_SHUTDOWN')
        ? 'shutdown'
        : 'cancelled',
    );
  const timer = setInterval(() => context.heartbeat(), heartbeatEveryMs);
  if (context.cancellationSignal.aborted) onCancel();
  else context.cancellationSignal.addEventListener('abort', onCancel);
  const done = new AbortController();
  return {
    signal: controller.signal,
    stop,
    stopWhen: (whenClosed) =>
      void whenClosed(done.signal).then((state) => state !== 'aborted' && stop(state)),
    [Symbol.dispose]: () => {
      done.abort();
      clearInterval(timer);
      context.cancellationSignal.removeEventListener('abort', onCancel);
    },
  };
}
