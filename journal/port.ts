/**
 * The journal: facts, in SQL. One implementation, two dialects (SQLite embedded, PostgreSQL for the fleet).
 *
 * Law: every fact is introduced once and settled once; of a step's attempts only the newest may write.
 * All methods throw {@link PerdureError} `journal_unavailable` when the database cannot be reached.
 */
import type {
  SealInput,
  SealResult,
  StepRef,
  IncomingMessage,
  Fact,
  ModelStepResult,
  SettleInput,
  SettleResult,
} from '../contracts/activities.ts';
import type { Part } from '../contracts/content.ts';
import type { ErrorInfo } from '../contracts/errors.ts';
import type { NewEvent, PerdureEvent } from '../contracts/events.ts';
import type { CallId, MessageId, SessionId } from '../contracts/ids.ts';
import type { BusyPolicy, SessionState } from '../contracts/session-state.ts';
import type { SessionView } from '../contracts/session.ts';
import type { LimitOverrides } from '../contracts/settings.ts';
import type {
  ClientTool,
  Effect,
  ToolMode,
  ToolOutcome,
  ToolSettlement,
} from '../contracts/tools.ts';
import type { AssistantPart, TranscriptMessage } from '../contracts/transcript.ts';
import type { Spend } from '../contracts/usage.ts';
import type { Artifacts, Audit, Contexts, Keys, Owner, Page, PageRequest } from './port-shelves.ts';

export * from './port-shelves.ts';

// ── sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface NewSession extends Owner {
  readonly sessionId: SessionId;
  /** Of the whole request: the same id with another digest is another request. */
  readonly digest: string;
  readonly agent: string;
  readonly model: string;
  readonly workspace: string | null;
  readonly context: string | null;
  readonly title: string | null;
  readonly externalId: string | null;
  /** Tools declared at the start of the session. */
  readonly tools: readonly ClientTool[];
  readonly limits: LimitOverrides;
}

/** The whole row: the view plus what only servers see. */
export interface SessionRow extends SessionView, Owner {
  readonly digest: string;
  readonly tools: readonly ClientTool[];
  readonly limits: LimitOverrides;
}

export interface SessionFilter {
  readonly tenant: string;
  /** Only this user's; everybody's in the tenant when absent. */
  readonly user?: string | undefined;
  readonly state?: SessionState | undefined;
  readonly context?: string | undefined;
  readonly externalId?: string | undefined;
}

export interface SessionStore {
  /**
   * Inserts the row (state `starting`) and `session.created` in one transaction.
   * `created: false` where the same request was made before.
   * @throws idempotency_conflict when the id exists with another digest or owner
   */
  create(session: NewSession): Promise<{ created: boolean; row: SessionRow }>;
  /** The row, whoever owns it: callers compare tenant and user. */
  get(sessionId: SessionId): Promise<SessionRow | undefined>;
  /** Newest first. */
  list(filter: SessionFilter, page: PageRequest): Promise<Page<SessionRow>>;
  count(filter: SessionFilter & { readonly open: true }): Promise<number>;
  /**
   * Of all tenants, those made more than `olderThanMs` ago that are still `starting`: their start stopped between the row and Temporal, or no
   * worker has taken them up yet. Newest first.
   */
  starting(olderThanMs: number, page: PageRequest): Promise<Page<SessionRow>>;
  /**
   * Folds all of the session's events again and stores the result, after a change of the fold or a doubt.
   * @returns whether the stored projection was another one
   * @throws not_found
   */
  rebuild(sessionId: SessionId): Promise<boolean>;
}

// ── steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Temporal's clock and attempt number, compared in that order: the attempt number alone goes back to 1 after a reset. */
export interface Fence {
  readonly scheduledAt: number;
  readonly attempt: number;
}

export interface Claim extends StepRef {
  readonly fence: Fence;
  /** Of the step's input: a finished step is run again only when it differs. */
  readonly inputDigest: string;
  readonly messages: readonly IncomingMessage[];
}

/** The right to write to a step, until it is finished, sealed or superseded. */
export interface Attempt extends StepRef {
  readonly fence: Fence;
  /** From 1, in the order of the claims. */
  readonly number: number;
}

export type ClaimResult =
  | {
      readonly state: 'claimed';
      readonly attempt: Attempt;
      /** Failures charged to the provider so far, and attempts lost for reasons of our own (this claim's predecessors). */
      readonly charged: number;
      readonly interruptions: number;
      /** Index into [model, ...fallbacks] where this attempt starts; `charged` counts from the last change. */
      readonly modelIndex: number;
      readonly lastError: ErrorInfo | null;
    }
  /** Complete in the journal already: return it; no model call, no event, no second charge. */
  | { readonly state: 'finished'; readonly result: ModelStepResult }
  /** A newer attempt owns the step: fail without a retry and write nothing. */
  | { readonly state: 'superseded' };

export interface RequestedCall {
  readonly callId: CallId;
  readonly name: string;
  readonly mode: ToolMode;
  readonly effect: Effect;
  readonly timeoutMs: number;
  /** JSON text of the arguments. */
  readonly arguments: string;
  /** Settled at once: unknown tool, invalid arguments. */
  readonly settlement?: ToolSettlement | undefined;
}

export interface StepSettlement {
  /** Written first, in order; the journal derives nothing from them but the projection. */
  readonly events: readonly NewEvent[];
  /** The transcript's row; absent where the model said nothing. */
  readonly message?:
    | {
        readonly content: readonly AssistantPart[];
        readonly native?: { provider: string; messages: unknown[] } | undefined;
      }
    | undefined;
  /** Adds ledger rows, and `tool.requested` (and `tool.settled` with its transcript row where settled at once) for each. */
  readonly calls: readonly RequestedCall[];
  readonly spend: Spend;
  /** Stored as the step's outcome and returned to later claims. */
  readonly result: ModelStepResult;
}

/** A provider's failure, or a change of model, recorded before the activity throws. */
export interface AttemptFailure {
  readonly events: readonly NewEvent[];
  readonly error: ErrorInfo;
  /** Adds 1 to the step's charges. An attempt that merely vanished is counted as an interruption by the next claim. */
  readonly charged: boolean;
  /** Starts the next attempt with this model, its charges at 0. */
  readonly modelIndex?: number | undefined;
  readonly spend?: Spend | undefined;
}

export interface Summary {
  readonly text: string;
  /** Position of the last transcript row that it replaces. */
  readonly through: number;
  readonly event: NewEvent;
  readonly spend: Spend;
}

export interface StepStore {
  /**
   * Takes the step for this attempt if its fence is newer than the last one's. Appends, the first time: `message.accepted` for each message (with its
   * transcript row) and, at step 1, `turn.started`; and `attempt.superseded` when an unfinished attempt had streamed.
   */
  claim(claim: Claim): Promise<ClaimResult>;
  /**
   * Appends events for an attempt, committed together with those of other sessions.
   * @returns the number of the last one
   * @throws {AttemptClosed} when the step is sealed, finished or claimed by a newer attempt
   */
  append(attempt: Attempt, events: readonly NewEvent[]): Promise<number>;
  /** Everything that ends the step, in one transaction. @throws {AttemptClosed} */
  finish(attempt: Attempt, settlement: StepSettlement): Promise<void>;
  /** @throws {AttemptClosed} */
  fail(attempt: Attempt, failure: AttemptFailure): Promise<void>;
  /** Adds a summary to the transcript. @throws {AttemptClosed} */
  summarize(attempt: Attempt, summary: Summary): Promise<void>;
  /** Adds the cost of an attempt that was cut off, after its step was closed. Repeats are no-ops. */
  chargeAborted(
    attempt: Attempt,
    spend: Spend & { readonly provider: string; readonly model: string },
  ): Promise<void>;
  /** See `SessionActivities.sealStep`. Idempotent. */
  seal(input: SealInput): Promise<SealResult>;
  /** Resolves when the attempt may no longer write; rejects never; ends quietly when `signal` aborts. */
  whenClosed(attempt: Attempt, signal: AbortSignal): Promise<Closed | 'aborted'>;
}

/** Why somebody may no longer write: the step or the call was closed by others, or a newer attempt owns it. */
export type Closed = 'sealed' | 'superseded';

/** The step is sealed, finished or owned by a newer attempt: stop, and write nothing more. */
export class AttemptClosed extends Error {
  readonly reason: 'sealed' | 'finished' | 'superseded';
  constructor(reason: 'sealed' | 'finished' | 'superseded') {
    super(`the attempt may no longer write: ${reason}`);
    this.name = 'AttemptClosed';
    this.reason = reason;
  }
}

// ── the ledger of tool calls ──────────────────────────────────────────────────────────────────────────────────────────

/**
 * offered → leased → answered → settled; worker calls go requested → running → settled. `answered` has a result that is not in the
 * log yet; the workflow moves it there.
 */
export type CallState = 'requested' | 'running' | 'offered' | 'leased' | 'answered' | 'settled';

export interface LedgerCall extends StepRef, Owner {
  readonly callId: CallId;
  readonly name: string;
  readonly mode: ToolMode;
  readonly effect: Effect;
  readonly arguments: string;
  readonly state: CallState;
  readonly outcome: ToolOutcome | null;
  readonly holder: string | null;
  /** ISO 8601; when the result is due (claimed calls). */
  readonly dueAt: string | null;
  readonly leaseEndsAt: string | null;
  readonly timeoutMs: number;
  readonly createdAt: string;
}

/** One attempt at a tool call in a worker. */
export interface CallRun {
  readonly sessionId: SessionId;
  readonly callId: CallId;
  readonly fence: Fence;
}

export type CallFilter = Pick<SessionFilter, 'tenant' | 'user'> & {
  readonly sessionId?: SessionId | undefined;
};

export interface Ledger {
  get(callId: CallId): Promise<LedgerCall | undefined>;
  /** Calls offered to clients and not settled, oldest first. */
  pending(filter: CallFilter, limit: number): Promise<readonly LedgerCall[]>;
  /**
   * Offered, or leased with an ended lease (and not `never-retry`) → leased by `holder`; the same holder's repeat renews the lease. Appends `tool.started`.
   * @returns undefined where somebody else holds it or it is settled
   */
  lease(callId: CallId, holder: string, leaseMs: number): Promise<LedgerCall | undefined>;
  /** Appends `tool.progress` and renews the lease. @returns false where the holder lost it */
  progress(
    callId: CallId,
    lease: { holder: string; leaseMs: number },
    progress: { message: string; fraction?: number | undefined },
  ): Promise<boolean>;
  /**
   * Offered or leased → answered, by compare-and-set; decides late, duplicate and changed. Does not append to the log.
   * @returns 'accepted', 'repeated' (the same digest again: harmless), 'duplicate' (another result), 'late' (settled without a result), 'unknown'
   */
  answer(
    callId: CallId,
    settlement: ToolSettlement,
  ): Promise<'accepted' | 'repeated' | 'duplicate' | 'late' | 'unknown'>;
  /** Answered → settled with `tool.settled` and the transcript's row; due or given up → `timed_out` (never-retry and claimed: `unknown`). */
  settle(input: SettleInput): Promise<SettleResult>;
  /** Worker calls: requested → running under a fence, with `tool.started`; tells a later attempt what an earlier one left. */
  begin(
    ref: StepRef & { callId: CallId },
    fence: Fence,
  ): Promise<
    | { state: 'begun'; call: LedgerCall; earlierAttempts: number }
    | { state: 'settled'; outcome: ToolOutcome }
    | { state: 'superseded' }
  >;
  /** Running → settled, with `tool.settled` and the transcript's row. @throws {AttemptClosed} */
  finish(callId: CallId, fence: Fence, settlement: ToolSettlement): Promise<void>;
  /** Resolves when nobody wants this attempt's result any more: as `StepStore.whenClosed`. */
  whenClosed(run: CallRun, signal: AbortSignal): Promise<Closed | 'aborted'>;
  /** Calls whose workflow should look at the ledger: answered but not settled since `olderThanMs`, or past their due time. */
  overdue(
    olderThanMs: number,
    limit: number,
  ): Promise<readonly { callId: CallId; sessionId: SessionId }[]>;
}

// ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface EventPage {
  readonly events: readonly PerdureEvent[];
  /** The range of numbers that this page accounts for: everything in it that is not in `events` was pruned. */
  readonly from: number;
  readonly to: number;
  readonly nextAfter: number;
}

/** A transcript at one moment, from its newest summary on. Not to be changed, nor built by hand. */
export interface KnownTranscript {
  readonly rows: readonly TranscriptMessage[];
  /** Positions after this one are what `rows` shows. */
  readonly from: number;
  /** The session's last number at that moment. */
  readonly through: number;
  /** How often rows had been taken out; undefined before anything was read. */
  readonly cuts: number | undefined;
}

/** A message that waits for a turn. */
export interface QueuedRow {
  readonly messageId: MessageId;
  readonly policy: BusyPolicy;
  readonly content: readonly Part[];
  /** ISO 8601. */
  readonly at: string;
}

export interface EventLog {
  /** Facts that a workflow decided, each at most once by its key. Applies `message.queued` / `edited` / `removed` to the messages table. */
  record(sessionId: SessionId, facts: readonly Fact[]): Promise<void>;
  read(
    sessionId: SessionId,
    options: {
      after: number;
      limit: number;
      types?: readonly PerdureEvent['type'][] | undefined;
    },
  ): Promise<EventPage>;
  /**
   * Everything after `after`, then what comes, in order, each once; ends when `signal` aborts. Attaches before it reads the backlog.
   * @throws cursor_expired where `after` lies before what is kept
   */
  tail(
    sessionId: SessionId,
    options: { after: number; signal: AbortSignal },
  ): AsyncIterable<readonly PerdureEvent[]>;
  /** In order, summaries among what they stand for. */
  transcript(
    sessionId: SessionId,
    options?: { after?: number; limit?: number },
  ): Promise<readonly TranscriptMessage[]>;
  /**
   * The transcript as a model is sent it: the newest summary, then what it does not speak of.
   * @param known an earlier answer for this session: only what came since is read, and rows that are still there are the same objects; where
   *   something else changed it is all read again. What is answered does not depend on it.
   * @throws not_found
   */
  compacted(sessionId: SessionId, known?: KnownTranscript): Promise<KnownTranscript>;
  /** Messages that wait for a turn, in the order of their arrival; the workflow knows in which order they will be taken. */
  queued(sessionId: SessionId): Promise<readonly QueuedRow[]>;
  /** Content of a person's message that the session has taken in or queued; undefined where it has none with this id. */
  message(sessionId: SessionId, messageId: MessageId): Promise<readonly Part[] | undefined>;
  /** Deltas of turns settled more than `olderThanMs` ago. @returns the number of rows removed */
  prune(options: { olderThanMs: number; limit: number }): Promise<number>;
}

export interface Journal {
  readonly dialect: 'sqlite' | 'postgres';
  readonly sessions: SessionStore;
  readonly steps: StepStore;
  readonly ledger: Ledger;
  readonly events: EventLog;
  readonly artifacts: Artifacts;
  readonly contexts: Contexts;
  readonly keys: Keys;
  readonly audit: Audit;
  /** One round trip to the database. @throws journal_unavailable */
  ping(): Promise<void>;
  /** Flushes what is under way and leaves no handle open. */
  close(): Promise<void>;
}
