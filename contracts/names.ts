/** Names that processes agree on with Temporal and with each other. Pure, no zod. Changing one breaks running sessions. */

export const SESSION_WORKFLOW = 'session';
export const CREDENTIAL_CHECK_WORKFLOW = 'credentialCheck';
export const CREDENTIAL_LOGIN_WORKFLOW = 'credentialLogin';

/** Workflows, model calls, records: many small slots. */
export const SESSION_QUEUE = 'perdure-sessions';
/** Tools that run in a worker: few slots, so that long ones never starve model calls. */
export const TOOL_QUEUE = 'perdure-tools';
/** Of one worker process, which it names by a UUID of its start: what is for a program that runs there reaches no other. */
export const CLI_QUEUE_PREFIX = 'cli-';

/** The signal with which a worker that goes away says that it has ended the session's program. */
export const PROGRAM_LEFT = 'programLeft';

export const SEARCH_ATTRIBUTES = {
  tenant: 'PerdureTenant',
  agent: 'PerdureAgent',
  state: 'PerdureState',
} as const;

/** Values of `PerdureState`. `failed`: it has ended, and its last turn failed. */
export type SearchState = 'open' | 'ended' | 'failed';
