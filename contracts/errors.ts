/** The closed table of error codes. Every error that leaves a process carries one; each has a page under docs/errors/. */

export interface ErrorEntry {
  /** HTTP status where the error answers a request; null where it only ever appears in events. */
  readonly status: number | null;
  /** Whether the same request may succeed later without being changed. */
  readonly retryable: boolean;
  readonly title: string;
  /** What a person can do about it. */
  readonly advice: string;
}

type Row = [status: number | null, retryable: boolean, title: string, advice: string];

const entry = (...[status, retryable, title, advice]: Row): ErrorEntry => ({
  status,
  retryable,
  title,
  advice,
});

export const ERRORS = {
  invalid_id: entry(400, false, 'Malformed id', 'Send the id exactly as the API returned it.'),
  invalid_input: entry(
    400,
    false,
    'Invalid input',
    'Correct the named field and send the request again.',
  ),
  unauthenticated: entry(
    401,
    false,
    'Not signed in',
    'Send a valid key as "Authorization: Bearer <key>".',
  ),
  budget_exhausted: entry(
    402,
    false,
    'Budget exhausted',
    'Raise the limit of the session or the agent, or start a new session.',
  ),
  forbidden: entry(403, false, 'Not allowed', 'Use a key whose role allows this.'),
  not_found: entry(
    404,
    false,
    'Not found',
    'Check the id or name; what belongs to another tenant looks the same.',
  ),
  session_closed: entry(
    409,
    false,
    'Session has ended',
    'Reopen it (session.reopen, or send with reopen: true), or start a new one.',
  ),
  session_busy: entry(
    409,
    true,
    'Session is busy',
    'Wait for the turn to settle, or send with policy enqueue, steer or interrupt.',
  ),
  idempotency_conflict: entry(
    409,
    false,
    'Key used for something else',
    'Use a new idempotency key for a different request.',
  ),
  result_late: entry(
    409,
    false,
    'Result came too late',
    'The call was already settled; nothing was changed.',
  ),
  result_duplicate: entry(
    409,
    false,
    'Result already given',
    'The call has another result already; nothing was changed.',
  ),
  runner_replaced: entry(
    409,
    false,
    'Runner replaced',
    'Another process registered under the same name: give each runner a name of its own.',
  ),
  approval_stale: entry(
    409,
    false,
    'Approval no longer open',
    'The approval was decided or withdrawn; nothing was changed.',
  ),
  login_open: entry(
    409,
    false,
    'Somebody else is signing in',
    'Wait until it ends, or end it and begin anew (anew: true; perdure auth login NAME --anew).',
  ),
  cursor_expired: entry(
    410,
    false,
    'Cursor too old',
    'Read the transcript, then follow events from its last number.',
  ),
  payload_too_large: entry(
    413,
    false,
    'Too large',
    'Upload the content as an artifact and send its reference.',
  ),
  rate_limited: entry(429, true, 'Too many requests', 'Wait for the time in Retry-After.'),
  too_many_connections: entry(
    429,
    true,
    'Too many connections',
    'Close other streams, or wait for the time in Retry-After.',
  ),
  queue_full: entry(
    429,
    true,
    'Queue is full',
    'Wait until the session has worked through its queued messages.',
  ),
  engine_unavailable: entry(
    503,
    true,
    'Temporal unavailable',
    'Nothing was lost; try again. Operators: see perdure doctor.',
  ),
  journal_unavailable: entry(
    503,
    true,
    'Journal unavailable',
    'Nothing was lost; try again. Operators: see perdure doctor.',
  ),
  worker_unavailable: entry(
    503,
    true,
    'No worker answered',
    'Nothing was lost; try again. Operators: start a worker.',
  ),
  resource_exhausted: entry(
    503,
    true,
    'Out of a resource',
    'Try again later; operators: see docs/performance.md.',
  ),
  internal: entry(
    500,
    true,
    'Internal error',
    'Nothing was half-done; try again and report the trace id.',
  ),
  model_unavailable: entry(
    null,
    true,
    'Model unavailable',
    'Send the message again later, or choose another model.',
  ),
  model_rejected: entry(
    null,
    false,
    'Model refused the request',
    'Read the message: the key, the model name or the content was refused.',
  ),
  model_timeout: entry(
    null,
    true,
    'Model too slow',
    'Send the message again, or choose a faster model.',
  ),
  network_error: entry(null, true, 'Network error', 'Check the connection to the provider.'),
  context_too_long: entry(
    null,
    false,
    'Context too long',
    'Start a new session, or choose a model with a larger window.',
  ),
  tool_failed: entry(null, false, 'Tool failed', 'The model was told; look at the tool call.'),
  tool_denied: entry(
    null,
    false,
    'Tool not allowed',
    'The agent or its workspace does not permit this call.',
  ),
  tool_timeout: entry(
    null,
    true,
    'Tool too slow',
    'Raise the time-out of the tool, or ask for less at once.',
  ),
  tool_outcome_unknown: entry(
    null,
    false,
    'Tool outcome unknown',
    'The call may or may not have taken effect: check before doing it again.',
  ),
  runner_lost: entry(
    null,
    true,
    'Runner lost',
    'Start the runner again, which reports what it finished; or send the message again.',
  ),
  auth_failed: entry(null, false, 'Sign-in failed', 'Check the credentials of the provider.'),
  max_attempts_exceeded: entry(
    null,
    true,
    'Gave up after several attempts',
    'Send the message again later; the cause is in the details.',
  ),
  limit_exceeded: entry(
    null,
    false,
    'Limit reached',
    'Raise the limit, or continue with a new message.',
  ),
  state_corrupt: entry(null, false, 'Saved state unreadable', 'Restore a backup, or start anew.'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;
export const ERROR_CODES = Object.keys(ERRORS) as ErrorCode[];

/** An error as events, transcripts and answers carry it. */
export interface ErrorInfo {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
}

/** An error for an event, `retryable` taken from the table. */
export const errorInfo = (code: ErrorCode, message: string): ErrorInfo => ({
  code,
  message,
  retryable: ERRORS[code].retryable,
});
