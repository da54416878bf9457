import type { JobId } from '../../contracts/ids.ts';
import { isClosed, type SessionState } from '../../contracts/session-state.ts';
import type { ErrorInfo } from '../../contracts/errors.ts';
import { isTerminal, taskStateOfSession, type TaskState } from '../../contracts/task-state.ts';
import type { SessionRow } from '../../journal/port.ts';

/** One shape for every kind of job. Times are ISO 8601. */
export interface JobStatus {
  readonly jobId: JobId;
  readonly kind: 'session';
  readonly state: TaskState;
  readonly terminal: boolean;
  /** The kind's own, finer state. */
  readonly detail: SessionState;
  /** `fraction` is null where nobody can know it. */
  readonly progress: {
    readonly fraction: number | null;
    readonly turns: number;
    readonly queued: number;
  };
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly updatedAt: string;
  readonly endedAt: string | null;
  readonly estimatedCompletionAt: string | null;
  /** From 1. */
  readonly attempt: number;
  readonly error: ErrorInfo | null;
  readonly lastSeq: number;
  /** Asking earlier will rarely tell anything new; null where nothing will change any more. */
  readonly pollAfterMs: number | null;
}

/** Quick while tokens come, slow while nothing but a person can change anything. */
const POLL_AFTER_MS: Record<SessionState, number | null> = {
  starting: 500,
  running: 1_000,
  streaming: 500,
  waiting_for_tools: 1_000,
  waiting_for_approval: 5_000,
  waiting: 5_000,
  ended: null,
  error: null,
};

export function jobStatusOf(row: SessionRow): JobStatus {
  const state = taskStateOfSession(row.state, row.endReason);
  const { createdAt, startedAt, updatedAt, endedAt, error, lastSeq, turns, queued } = row;
  return {
    jobId: row.sessionId,
    kind: 'session',
    state,
    terminal: isTerminal(state),
    detail: row.state,
    progress: { fraction: isClosed(row.state) ? 1 : null, turns, queued },
    ...{ createdAt, startedAt, updatedAt, endedAt, estimatedCompletionAt: null },
    attempt: 1,
    error,
    lastSeq,
    pollAfterMs: POLL_AFTER_MS[row.state],
  };
}

/** Every change of a session is an event, so its last number tells versions apart. */
export const etagOf = ({ lastSeq, state }: SessionRow): string => `"${lastSeq}-${state}"`;
