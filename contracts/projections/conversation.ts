/** A session as a client shows it: what `foldEvent` in turns.ts makes of the event log. Types only. */
import type { ArtifactRef, Part } from '../content.ts';
import type { ErrorInfo } from '../errors.ts';
import type { ContentKind, EventData, TurnOutcome } from '../events.ts';
import type { ApprovalId, MessageId } from '../ids.ts';
import type { BusyPolicy } from '../session-state.ts';
import type { Effect, ToolMode, ToolSettlement } from '../tools.ts';
import type { Spend } from '../usage.ts';
import type { SessionProjection } from './session.ts';

/** One run of text or reasoning. `complete`: from `content.completed`; else gathered from deltas so far. */
export interface ContentBlock {
  readonly kind: ContentKind;
  /** Of content over 32 KiB: empty where not all of it was seen to stream and nobody has read `artifact` yet. The SDK does so by itself. */
  readonly text: string;
  /** Where the whole content is, if it is over 32 KiB. */
  readonly artifact: ArtifactRef | null;
  readonly complete: boolean;
}

/** A person was asked about the call. */
export interface ApprovalView {
  readonly approvalId: ApprovalId;
  /** What asked, in words of perdure.yaml, and why, where that was said. */
  readonly rule: string;
  readonly reason: string | null;
  /** What the call would do, where its tool can tell: a unified diff for edits. */
  readonly preview: string | null;
  /** ISO 8601. */
  readonly expiresAt: string;
  /** Null while nobody has decided; where a person changed the arguments they are in it. */
  readonly settlement: EventData<'approval.settled'> | null;
}

export interface ToolCallView {
  readonly callId: string;
  readonly name: string;
  readonly mode: ToolMode;
  readonly effect: Effect;
  /** JSON; undefined where the arguments are in `artifact`. */
  readonly arguments: unknown;
  readonly artifact: ArtifactRef | null;
  readonly state: 'requested' | 'running' | 'settled';
  readonly runner: string | null;
  /** Null where nobody was asked. */
  readonly approval: ApprovalView | null;
  readonly progress: { readonly message: string; readonly fraction: number | null } | null;
  readonly settlement: ToolSettlement | null;
}

/** The model failed and is tried again at `nextAt` (ISO 8601). */
export type RetryNotice = EventData<'model.retrying'>;

/** One call of the model: what its newest attempt said, never what an earlier one did. */
export interface StepView {
  /** From 1 in the turn. */
  readonly step: number;
  /** From 1; 0 before the first event of an attempt. */
  readonly attempt: number;
  readonly provider: string | null;
  readonly model: string | null;
  readonly blocks: readonly ContentBlock[];
  readonly calls: readonly ToolCallView[];
  /** Set while the step waits for its next attempt. */
  readonly retry: RetryNotice | null;
  readonly outcome: 'completed' | 'interrupted' | 'failed' | null;
  readonly error: ErrorInfo | null;
}

export interface UserMessageView {
  readonly messageId: MessageId;
  readonly content: readonly Part[];
  readonly policy: BusyPolicy;
  /** The step that took it in: 1 for the message that opened the turn, later for one that joined (policy `steer`). */
  readonly step: number;
  /** ISO 8601. */
  readonly at: string;
}

export interface TurnView {
  /** Id of the message that opened it. */
  readonly turn: MessageId;
  readonly messages: readonly UserMessageView[];
  readonly steps: readonly StepView[];
  /** Null while it is open. */
  readonly outcome: TurnOutcome | null;
  readonly error: ErrorInfo | null;
  /** Null while it is open. */
  readonly spend: Spend | null;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly settledAt: string | null;
}

export interface QueuedMessageView {
  readonly messageId: MessageId;
  readonly content: readonly Part[];
  readonly policy: BusyPolicy;
  /** ISO 8601. */
  readonly at: string;
}

/** Immutable: a part that an event does not touch keeps its identity, so that a page redraws only what changed. */
export interface ConversationView {
  readonly session: SessionProjection;
  readonly turns: readonly TurnView[];
  /** Messages that wait for their turn, in the order in which they will be taken. */
  readonly queue: readonly QueuedMessageView[];
  /** Messages that the session refused after they had been sent. */
  readonly rejected: readonly { readonly messageId: MessageId; readonly error: ErrorInfo }[];
  /** The session is about to end. */
  readonly warning: { readonly reason: 'idle' | 'lifetime'; readonly endsAt: string } | null;
}
