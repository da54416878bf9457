/**
 * What can be said to a session's workflow. The API imports this file too, so it holds definitions only.
 * Changing a name or a shape breaks running sessions: add, never change.
 */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { MadeDecision, ProgramLeft, ProgramRef } from '../../contracts/activities.ts';
import type { ApprovalOutcome } from '../../contracts/approvals.ts';
import type { Part } from '../../contracts/content.ts';
import type { ApprovalId, CallId, MessageId, SessionId } from '../../contracts/ids.ts';
import type { SessionLimits } from '../../contracts/limits.ts';
import { PROGRAM_LEFT } from '../../contracts/names.ts';
import type { PolicyOverrides } from '../../contracts/policies.ts';
import type { LiveStatus, QueuedMessage } from '../../contracts/session.ts';
import type { BusyPolicy } from '../../contracts/session-state.ts';
import type { Spend } from '../../contracts/usage.ts';

export interface UserMessage {
  readonly messageId: MessageId;
  readonly content: readonly Part[];
  readonly policy: BusyPolicy;
  /** Where it finds the session about to end, a new run answers it; without, it is rejected. Absent is false. */
  readonly reopen?: boolean | undefined;
}

/** Only says that the ledger has news of this call; the answer itself is in the ledger. */
export interface ToolResultNotice {
  readonly callId: CallId;
}

export interface InterruptRequest {
  /** Interrupt only this turn; the open one when absent. */
  readonly turn?: MessageId | undefined;
}

/** One edit of the queue. An edit's content is already in the journal when the update arrives (written by the API's artifact, or inline). */
export type QueueEditRequest =
  | {
      readonly action: 'edit';
      readonly messageId: MessageId;
      readonly content: readonly Part[];
    }
  | { readonly action: 'remove'; readonly messageId: MessageId }
  | {
      readonly action: 'move';
      readonly messageId: MessageId;
      readonly position: number;
    }
  | { readonly action: 'steer'; readonly messageId: MessageId };

export interface Reconfiguration {
  /** Name of the model for the next steps. */
  readonly model?: string | undefined;
  readonly limits?: Partial<SessionLimits> | undefined;
}

/** What somebody decided about a call of this turn and step. */
export interface ApprovalDecisionRequest {
  readonly turn: MessageId;
  readonly step: number;
  readonly callId: CallId;
  readonly approvalId: ApprovalId;
  readonly decision: MadeDecision;
  /** The user. */
  readonly by: string;
}

export interface Reconfigured {
  /** Of two changes of a session the later one has the larger number. */
  readonly decidedAt: number;
}

/** The workflow's argument. `carried` is there after continue-as-new and after a reopen. */
export interface SessionStart {
  readonly sessionId: SessionId;
  readonly tenant: string;
  readonly agent: string;
  readonly model: string;
  readonly limits: SessionLimits;
  readonly origin: 'start' | 'reopen' | 'continue';
  /** A stop and a message that came before the first task are taken in their order. Absent in sessions begun before 2026-11-21. */
  readonly signalsInOrder?: boolean | undefined;
  /** How many sessions its tenant may have open. Absent in sessions begun before 2026-11-30, which come back uncounted from their end. */
  readonly openSessions?: number | undefined;
  /** A program that answers instead of a model. */
  readonly engine?: ProgramEngine | undefined;
  /** Where the configuration differs from `POLICIES`. */
  readonly policies?: PolicyOverrides | undefined;
  readonly carried?: CarriedState | undefined;
}

export interface ProgramEngine {
  /** Name under cliProviders. */
  readonly cli: string;
  /** For one message, milliseconds. */
  readonly timeoutMs: number;
  /** Name under credentials that must be good before it is started. */
  readonly credential?: string | undefined;
}

/** Ids and sums only: what one run hands to the next. */
export interface CarriedState {
  readonly queue: readonly QueuedMessage[];
  readonly seen: readonly MessageId[];
  readonly spend: Spend;
  readonly turns: number;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly idleSince: number;
  readonly warned: 'idle' | 'lifetime' | null;
  /** Name of the model that a reconfiguration chose. */
  readonly model?: string | undefined;
  /** The last turn failed. Absent is false. */
  readonly failed?: boolean | undefined;
  /** The turn about to open is to be sealed. Absent is false. */
  readonly interrupting?: boolean | undefined;
  /** It outlives a run, not a session. */
  readonly program?: ProgramRef | undefined;
  /** The program's own id of the conversation. */
  readonly conversation?: string | undefined;
  /** Which update each of the last idempotency keys stands for. */
  readonly updates?: readonly (readonly [key: string, updateId: string])[] | undefined;
}

export const userMessage = defineSignal<[UserMessage]>('userMessage');
export const toolResult = defineSignal<[ToolResultNotice]>('toolResult');
export const interruptTurn = defineSignal<[InterruptRequest]>('interruptTurn');
export const stopSession = defineSignal<[]>('stopSession');
/** Only a worker says it. */
export const programLeft = defineSignal<[ProgramLeft]>(PROGRAM_LEFT);
/** Where it finds the session about to end, a new run follows; an open session stays as it is. */
export const reopenSession = defineSignal<[]>('reopenSession');

/**
 * `key` stands for the request's idempotency key, where it had one. The same request again has the same update id, which Temporal answers by
 * itself; another one under the same key is refused with `idempotency_conflict`.
 */
export const editQueue = defineUpdate<
  readonly QueuedMessage[],
  [request: QueueEditRequest, key: string | undefined]
>('editQueue');
/** Nothing is answered to a repeat in a later run, nor by sessions that were changed before 2026-11-30. */
export const reconfigure = defineUpdate<
  Reconfigured | undefined,
  [change: Reconfiguration, key: string | undefined]
>('reconfigure');

/** Its id stands for the decision: the first one wins, and the same one again is no second. */
export const approvalDecision = defineUpdate<ApprovalOutcome, [request: ApprovalDecisionRequest]>(
  'approvalDecision',
);

export const status = defineQuery<LiveStatus>('status');
export const pendingCalls = defineQuery<readonly CallId[]>('pendingCalls');
export const queue = defineQuery<readonly QueuedMessage[]>('queue');
