/** The columns that a batch writes, table by table. */
import type { Target } from '../recordset.ts';

export const EVENTS = {
  table: 'events',
  columns: {
    session_key: 'bigint',
    seq: 'bigint',
    type: 'text',
    turn: 'text',
    step: 'integer',
    attempt: 'integer',
    at: 'bigint',
    data: 'text',
    fact: 'text',
  },
} as const satisfies Target;

export const STEPS = {
  table: 'steps',
  columns: {
    session_key: 'bigint',
    turn: 'text',
    step: 'integer',
    state: 'text',
    scheduled_at: 'bigint',
    temporal_attempt: 'integer',
    number: 'integer',
    input_digest: 'text',
    charged: 'integer',
    interruptions: 'integer',
    model_index: 'integer',
    last_error: 'text',
    accounted: 'integer',
    claimed_seq: 'bigint',
    spend: 'text',
    open_call: 'text',
    result: 'text',
  },
  key: ['session_key', 'turn', 'step'],
} as const satisfies Target;

export const MESSAGES = {
  table: 'messages',
  columns: {
    session_key: 'bigint',
    id: 'text',
    role: 'text',
    position: 'bigint',
    turn: 'text',
    step: 'integer',
    at: 'bigint',
    body: 'text',
  },
  key: ['session_key', 'id'],
} as const satisfies Target;

export const CALLS = {
  table: 'tool_calls',
  columns: {
    call_id: 'text',
    session_key: 'bigint',
    turn: 'text',
    step: 'integer',
    name: 'text',
    mode: 'text',
    effect: 'text',
    arguments: 'text',
    timeout_ms: 'bigint',
    created_at: 'bigint',
    state: 'text',
    outcome: 'text',
    settlement: 'text',
    digest: 'text',
    answered_at: 'bigint',
    holder: 'text',
    due_at: 'bigint',
    lease_ends_at: 'bigint',
    scheduled_at: 'bigint',
    temporal_attempt: 'integer',
    attempts: 'integer',
    runner: 'text',
    edited: 'integer',
  },
  key: ['call_id'],
} as const satisfies Target;

export const APPROVALS = {
  table: 'approvals',
  columns: {
    approval_id: 'text',
    session_key: 'bigint',
    call_id: 'text',
    turn: 'text',
    step: 'integer',
    name: 'text',
    mode: 'text',
    effect: 'text',
    arguments: 'text',
    input_schema: 'text',
    preview: 'text',
    rule: 'text',
    reason: 'text',
    state: 'text',
    outcome: 'text',
    decision: 'text',
    created_at: 'bigint',
    expires_at: 'bigint',
    settled_at: 'bigint',
    tenant: 'text',
    user_id: 'text',
  },
} as const satisfies Target;

export const APPROVAL_ENDS = {
  table: 'approvals',
  columns: {
    approval_id: 'text',
    state: 'text',
    outcome: 'text',
    decision: 'text',
    settled_at: 'bigint',
  },
} as const satisfies Target;

export const AUDIT = {
  table: 'audit',
  columns: {
    at: 'bigint',
    tenant: 'text',
    user_id: 'text',
    action: 'text',
    subject: 'text',
    details: 'text',
  },
} as const satisfies Target;

export const SETTLED_TURNS = {
  table: 'settled_turns',
  columns: {
    session_key: 'bigint',
    turn: 'text',
    first_seq: 'bigint',
    last_seq: 'bigint',
    settled_at: 'bigint',
  },
} as const satisfies Target;

/** What every commit changes in a session's row. */
export const SESSION_HEADS = {
  table: 'sessions',
  columns: { key: 'bigint', state: 'text', last_seq: 'bigint', updated_at: 'bigint' },
} as const satisfies Target;

/** And what changes with a fact. */
export const SESSION_FACTS = {
  table: 'sessions',
  columns: { ...SESSION_HEADS.columns, context: 'text', details: 'text' },
} as const satisfies Target;

/** And what changes with its end and its beginning. */
export const SESSION_LIVES = {
  table: 'sessions',
  columns: { ...SESSION_FACTS.columns, open: 'integer' },
} as const satisfies Target;
