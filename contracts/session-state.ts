/** The states of a session. Pure, no zod. */
export const SESSION_STATES = [
  'starting',
  'waiting',
  'running',
  'streaming',
  'waiting_for_tools',
  'waiting_for_approval',
  'ended',
  'error',
] as const;
export type SessionState = (typeof SESSION_STATES)[number];

/** Why a session ended. */
export const END_REASONS = ['stopped', 'idle', 'lifetime', 'error'] as const;
export type EndReason = (typeof END_REASONS)[number];

/** True while a turn is open. */
export const isBusy = (state: SessionState): boolean =>
  state === 'running' ||
  state === 'streaming' ||
  state === 'waiting_for_tools' ||
  state === 'waiting_for_approval';

export const isClosed = (state: SessionState): boolean => state === 'ended' || state === 'error';

/** What happens to a message that arrives while a turn is open. */
export const BUSY_POLICIES = ['enqueue', 'interrupt', 'steer', 'reject'] as const;
export type BusyPolicy = (typeof BUSY_POLICIES)[number];
