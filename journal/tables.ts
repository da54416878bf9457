/**
 * The tables as Kysely sees them. Times are epoch milliseconds, flags 0 or 1, and everything structured is JSON text: text, because
 * PostgreSQL's own JSON types refuse characters that a model may well produce (NUL, lone surrogates).
 */
import type { Generated, Selectable } from 'kysely';
import type { BreakerState, CallState, Role } from './port.ts';
import type { ApprovalOutcome } from '../contracts/approvals.ts';
import type { Strategy } from '../contracts/authentication.ts';
import type { EventType } from '../contracts/events.ts';
import type {
  ApprovalId,
  CallId,
  KeyId,
  MessageId,
  RunnerId,
  SessionId,
} from '../contracts/ids.ts';
import type { SessionState } from '../contracts/session-state.ts';
import type { Effect, ToolMode, ToolOutcome } from '../contracts/tools.ts';
import type { TranscriptRole } from '../contracts/transcript.ts';

/** JSON text. */
type Json = string;
type Flag = 0 | 1;

export interface SessionsTable {
  /** What all other tables refer to: half the cost of the text id. */
  key: Generated<number>;
  id: SessionId;
  tenant: string;
  user_id: string;
  digest: string;
  context: string | null;
  external_id: string | null;
  created_at: number;
  /** 1 until the session has ended. */
  open: Flag;
  state: SessionState;
  last_seq: number;
  /** Events before this number are gone altogether. */
  kept_from: number;
  /** How often rows were taken out of the transcript: it only grows otherwise. */
  transcript_cuts: number;
  updated_at: number;
  /** `SessionDetails`. */
  details: Json;
  /** What was asked for at the start and is no part of any event: title, tools, limits. */
  request: Json;
}

export interface EventsTable {
  session_key: number;
  seq: number;
  type: EventType;
  turn: MessageId | null;
  step: number | null;
  attempt: number | null;
  at: number;
  data: Json;
  /** Natural key of a fact, unique in its session. */
  fact: string | null;
}

export interface StepsTable {
  session_key: number;
  turn: MessageId;
  step: number;
  state: 'open' | 'finished' | 'sealed';
  /** The fence of the newest attempt. */
  scheduled_at: number;
  temporal_attempt: number;
  /** The newest attempt's number, from 1; 0 where the step was sealed before it was claimed. */
  number: number;
  input_digest: string;
  charged: number;
  interruptions: number;
  model_index: number;
  last_error: Json | null;
  /** Whether the newest attempt said how it ended; else the next claim counts an interruption. */
  accounted: Flag;
  /** The session's last number when the newest attempt began. */
  claimed_seq: number;
  /** The newest attempt's call while it has not said what it used; see `operations/charge.ts`. */
  open_call: Json | null;
  /** What the attempts of this step cost so far. */
  spend: Json;
  result: Json | null;
}

/** The transcript, and the messages that wait in the queue (those have no turn yet). */
export interface MessagesTable {
  session_key: number;
  id: string;
  role: TranscriptRole;
  /** Number of the event that brought it here, which orders the transcript. */
  position: number;
  turn: MessageId | null;
  step: number | null;
  at: number;
  body: Json;
}

export interface ToolCallsTable {
  call_id: CallId;
  session_key: number;
  turn: MessageId;
  step: number;
  name: string;
  mode: ToolMode;
  effect: Effect;
  arguments: string;
  timeout_ms: number;
  created_at: number;
  state: CallState;
  outcome: ToolOutcome | null;
  /** The answer, and after the settlement its digest only. */
  settlement: Json | null;
  digest: string | null;
  answered_at: number | null;
  holder: string | null;
  due_at: number | null;
  lease_ends_at: number | null;
  scheduled_at: number;
  temporal_attempt: number;
  attempts: number;
  /** Of a remote call: which runners may claim it. */
  runner: Json | null;
  /** 1 where a person changed the arguments: the model is told with the result. */
  edited: Flag;
}

export interface ApprovalsTable {
  /** Orders the pages of a list. */
  key: Generated<number>;
  approval_id: ApprovalId;
  session_key: number;
  call_id: CallId;
  turn: MessageId;
  step: number;
  name: string;
  mode: ToolMode;
  effect: Effect;
  /** As the model asked for them. */
  arguments: string;
  /** The tool's, so that other arguments can be checked when the tool itself has gone. */
  input_schema: Json;
  preview: string | null;
  rule: string;
  reason: string | null;
  state: 'open' | 'settled';
  outcome: ApprovalOutcome | null;
  /** `StoredDecision` of operations/approval.ts. */
  decision: Json | null;
  created_at: number;
  expires_at: number;
  settled_at: number | null;
  /** The session's, so that a list needs no other table. */
  tenant: string;
  user_id: string;
}

/** Turns whose deltas are still there. */
export interface SettledTurnsTable {
  session_key: number;
  turn: MessageId;
  first_seq: number;
  last_seq: number;
  settled_at: number;
}

export interface ArtifactsTable {
  tenant: string;
  artifact: string;
  media_type: string;
  name: string | null;
  bytes: number;
  content: Uint8Array;
  user_id: string;
  created_at: number;
}

export interface ContextsTable {
  tenant: string;
  user_id: string;
  context: string;
  session_id: SessionId | null;
  updated_at: number;
}

export interface KeysTable {
  key_id: KeyId;
  hash: string;
  tenant: string;
  user_id: string;
  role: Role;
  label: string;
  created_at: number;
  revoked_at: number | null;
  last_used_at: number | null;
}

export interface RunnersTable {
  runner_id: RunnerId;
  tenant: string;
  user_id: string;
  name: string;
  instance: RunnerId;
  shared: Flag;
  labels: Json;
  workdir: string;
  tools: Json;
  version: string;
  registered_at: number;
  last_seen_at: number;
  gone: Flag;
}

export interface AuditTable {
  entry: Generated<number>;
  at: number;
  tenant: string | null;
  user_id: string | null;
  action: string;
  subject: string | null;
  details: Json;
}

export interface CredentialsTable {
  tenant: string;
  name: string;
  strategy: Strategy;
  /** Encrypted by the worker that wrote it. */
  secret: string | null;
  expires_at: number | null;
  version: number;
  updated_at: number;
  /** Who renews it just now, and until when that is waited for. */
  holder: string | null;
  held_until: number | null;
}

export interface BreakersTable {
  key: string;
  state: BreakerState;
  failures: number;
  opened_at: number;
  probe: string | null;
  probe_until: number | null;
}

/** A server of MCP; manifests as JSON. */
export interface McpManifestsTable {
  server: string;
  approved: Json;
  approved_hash: string;
  approved_at: number;
  approved_by: string | null;
  /** What it listed last, where that is not what is approved. */
  listed: Json | null;
  listed_hash: string | null;
  listed_at: number | null;
}

export interface Tables {
  sessions: SessionsTable;
  events: EventsTable;
  steps: StepsTable;
  messages: MessagesTable;
  tool_calls: ToolCallsTable;
  approvals: ApprovalsTable;
  settled_turns: SettledTurnsTable;
  artifacts: ArtifactsTable;
  contexts: ContextsTable;
  keys: KeysTable;
  runners: RunnersTable;
  audit: AuditTable;
  credentials: CredentialsTable;
  breakers: BreakersTable;
  mcp_manifests: McpManifestsTable;
}

export type SessionRecord = Selectable<SessionsTable>;
export type EventRecord = EventsTable;
export type StepRecord = StepsTable;
export type MessageRecord = MessagesTable;
export type AuditRecord = Selectable<AuditTable>;
export type CallRecord = ToolCallsTable;
/** A row as a transaction writes it: the database gives it its key. */
export type ApprovalRecord = Omit<Selectable<ApprovalsTable>, 'key'>;
