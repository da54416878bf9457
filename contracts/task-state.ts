/** The one canonical state of a job (mission D1), for tasks and, by the mapping below, for sessions. Pure, no zod. */
import type { EndReason, SessionState } from './session-state.ts';

export const TASK_STATES = [
  'pending',
  'queued',
  'running',
  'processing',
  'completed',
  'succeeded',
  'failed',
  'error',
  'cancelled',
] as const;
export type TaskState = (typeof TASK_STATES)[number];

const TERMINAL = [
  'completed',
  'succeeded',
  'failed',
  'error',
  'cancelled',
] as const satisfies readonly TaskState[];
const ACTIVE = ['running', 'processing'] as const satisfies readonly TaskState[];
export type TerminalState = (typeof TERMINAL)[number];

export const isTerminal = (state: TaskState): state is TerminalState =>
  (TERMINAL as readonly TaskState[]).includes(state);
export const isActive = (state: TaskState): boolean =>
  (ACTIVE as readonly TaskState[]).includes(state);

/**
 * Where a task may go from each state. Terminal states have no entry, so a transition out of one cannot be written:
 * a retry is a new task with `retryOf`.
 */
export const TASK_TRANSITIONS = {
  pending: ['queued', 'running', 'failed', 'error', 'cancelled'],
  queued: ['running', 'failed', 'error', 'cancelled'],
  running: ['processing', 'queued', 'completed', 'succeeded', 'failed', 'error', 'cancelled'],
  processing: ['running', 'queued', 'completed', 'succeeded', 'failed', 'error', 'cancelled'],
} as const satisfies Record<Exclude<TaskState, TerminalState>, readonly TaskState[]>;

export function canTransition(from: TaskState, to: TaskState): boolean {
  return !isTerminal(from) && (TASK_TRANSITIONS[from] as readonly TaskState[]).includes(to);
}

const FROM_SESSION: Record<SessionState, TaskState> = {
  starting: 'pending',
  waiting: 'queued',
  running: 'running',
  waiting_for_tools: 'running',
  waiting_for_approval: 'running',
  streaming: 'processing',
  ended: 'completed',
  error: 'error',
};

/** A session's state as a job state; a stopped session is `cancelled`. */
export const taskStateOfSession = (state: SessionState, endReason?: EndReason | null): TaskState =>
  state === 'ended' && endReason === 'stopped' ? 'cancelled' : FROM_SESSION[state];
