/**
 * What workflows ask of activities. Types only, so that workflow code imports no activity file.
 * Every payload here stays far under 64 KiB: content over 32 KiB travels as an artifact's reference.
 */
import type { Authenticated } from './authentication.ts';
import type { LoginAnswer, LoginBegun } from './credential-login.ts';
import type { ApprovalOutcome } from './approvals.ts';
import type { Part } from './content.ts';
import type { ErrorInfo } from './errors.ts';
import type { NewEvent, TurnOutcome } from './events.ts';
import type { ApprovalId, CallId, MessageId, SessionId } from './ids.ts';
import type { BusyPolicy } from './session-state.ts';
import type { ToolCallRef, ToolOutcome } from './tools.ts';
import type { Spend } from './usage.ts';

/** A message that the next step accepts; `content` only where the journal does not have it yet (it was never queued). */
export interface IncomingMessage {
  readonly messageId: MessageId;
  readonly content?: readonly Part[] | undefined;
  readonly policy: BusyPolicy;
}

/** What is left of a turn's and a session's limits; null is unlimited. */
export interface Allowance {
  readonly tokens: number | null;
  readonly usd: number | null;
  /**
   * The session's own limits, of which the workflow has subtracted what it knows of: `callModel` holds the journal's sum against them, which
   * has every call that was cut off. Unlimited when absent.
   */
  readonly session?: { readonly tokens: number | null; readonly usd: number | null } | undefined;
}

export interface StepRef {
  readonly sessionId: SessionId;
  readonly turn: MessageId;
  /** From 1. */
  readonly step: number;
}

export interface ModelStepInput extends StepRef {
  readonly messages: readonly IncomingMessage[];
  /** Name of the model, when it is not the agent's. */
  readonly model?: string | undefined;
  /** Unlimited when absent, as an absent field costs nothing in a history. */
  readonly allowance?: Allowance | undefined;
  /** Spent in this turn by its earlier steps: `turn.settled` reports the sum. Nothing yet when absent (the first step). */
  readonly turnSpend?: Spend | undefined;
}

/** `tool_calls`: the turn goes on; every other outcome has settled the turn in the journal. */
export type ModelStepResult =
  | {
      readonly outcome: 'tool_calls';
      readonly calls: readonly ToolCallRef[];
      readonly spend: Spend;
    }
  | { readonly outcome: Exclude<TurnOutcome, 'failed'>; readonly spend: Spend }
  | {
      readonly outcome: 'failed';
      readonly spend: Spend;
      readonly error: ErrorInfo;
    };

export interface SealInput extends StepRef {
  /** `failure`: `callModel` failed for good; the turn is settled as failed with `error` instead of interrupted. */
  readonly cause: 'interrupt' | 'stop' | 'failure';
  readonly error?: ErrorInfo | undefined;
  /** What the step would have accepted, had it not been claimed yet. */
  readonly messages: readonly IncomingMessage[];
  /** Of the steps that the workflow has counted. The journal sums its own rows, which have the calls that were cut off too. */
  readonly turnSpend: Spend;
}

/**
 * How the turn ended: `interrupted`, or the outcome of a step that had already ended it. `spend` is the sealed step's, and that of later ones
 * where the workflow is older than the journal; a call that was cut off is in it as estimated.
 */
export interface SealResult {
  readonly outcome: TurnOutcome;
  readonly spend: Spend;
}

export interface ToolInput extends StepRef {
  readonly callId: CallId;
  readonly name: string;
  readonly timeoutMs: number;
}

export interface ToolResultRef {
  readonly callId: CallId;
  readonly outcome: ToolOutcome;
}

export interface SettleInput extends StepRef {
  readonly callId: CallId;
  /**
   * True when the workflow's own limit for an unclaimed call has passed, and when `executeTool` failed for good: a worker's call that is still
   * unsettled then gets `failed` with `error` (or `unknown` where it was running and is never-retry).
   */
  readonly giveUp: boolean;
  readonly error?: ErrorInfo | undefined;
}

/** `open`: neither answered nor due; ask again when signalled, or at `dueAt` (ISO 8601; null while nobody claimed it). */
export type SettleResult =
  | { readonly state: 'settled'; readonly outcome: ToolOutcome }
  | { readonly state: 'open'; readonly dueAt: string | null };

/** What somebody decided, as it travels: arguments that were changed are in an artifact, which no history keeps. */
export type MadeDecision =
  | { readonly decision: 'approve'; readonly argumentsArtifact?: string | undefined }
  | { readonly decision: 'reject'; readonly reason?: string | undefined };

/** Without a decision and unexpired it only asks how the approval stands. */
export interface ApprovalInput extends StepRef {
  readonly approvalId: ApprovalId;
  readonly callId: CallId;
  /** `id` is the update's; `by` the user. */
  readonly decision?: (MadeDecision & { readonly id: string; readonly by: string }) | undefined;
  /** The time to decide has passed. */
  readonly expired?: boolean | undefined;
}

/** `decisionId` is that of the decision that was the first; null where it expired or was withdrawn. */
export type ApprovalState =
  | { readonly state: 'open' }
  | {
      readonly state: 'settled';
      readonly outcome: ApprovalOutcome;
      readonly decisionId: string | null;
    };

/** `refused`: the decision itself is not allowed, and the approval stays open. */
export type ApprovalResult =
  | ApprovalState
  | { readonly state: 'refused'; readonly error: Pick<ErrorInfo, 'code' | 'message'> };

/** A fact that the workflow decided. `key` is unique in the session: a repeat is a no-op. */
export interface Fact {
  readonly key: string;
  readonly event: NewEvent;
  readonly turn?: MessageId | undefined;
  readonly step?: number | undefined;
  /** Of a message's fact: written only where the journal has a message under its id, and with another content than this. */
  readonly ifNot?: readonly Part[] | undefined;
}

export interface ProgramStart {
  readonly sessionId: SessionId;
  /** Name under cliProviders. */
  readonly provider: string;
  /** How long the session may wait for a message: a program that hears nothing for longer has lost its session. */
  readonly idleMs: number;
}

/** A program that answers in one session. It lives in one worker process, which alone takes tasks from `queue`. */
export interface ProgramRef {
  readonly provider: string;
  readonly programId: string;
  readonly queue: string;
  /** It goes on with a conversation that an earlier program began. Absent is false. */
  readonly resumed?: boolean | undefined;
}

/** A program whose worker goes away was ended between two messages. */
export interface ProgramLeft {
  readonly programId: string;
  /** Its own id of the conversation. */
  readonly conversation?: string | undefined;
}

export interface CommandInput extends StepRef {
  readonly programId: string;
  readonly provider: string;
  readonly messages: readonly IncomingMessage[];
  readonly timeoutMs: number;
  readonly idleMs: number;
}

export interface CommandResult {
  readonly result: ModelStepResult;
  /** The program's own id of the conversation. */
  readonly conversation?: string | undefined;
}

export interface SessionActivities {
  /** Starts a program in this worker, for the session and for no other. Ready when it returns. */
  startProgram(start: ProgramStart): Promise<ProgramRef>;
  /** One provider step: claims it, streams it into the journal, settles it. */
  callModel(input: ModelStepInput): Promise<ModelStepResult>;
  /** Closes the open step (or, between steps, the open tool calls) and the turn; nothing can be written to them afterwards. */
  sealStep(input: SealInput): Promise<SealResult>;
  /** Moves the answer of a call from the ledger into the log and the transcript, or settles it when it is due. */
  settleToolCall(input: SettleInput): Promise<SettleResult>;
  /** Settles an approval as it was decided, or as expired; the first wins. Answers how it stands afterwards. */
  settleApproval(input: ApprovalInput): Promise<ApprovalResult>;
  /** Writes facts in order, each at most once. */
  record(sessionId: SessionId, facts: readonly Fact[]): Promise<void>;
  /**
   * Counts a session that has ended among its tenant's open ones again, of which there may be `most`. Harmless to repeat.
   * @returns false where it would be one too many
   */
  takePlace(sessionId: SessionId, most: number): Promise<boolean>;
}

export interface ToolActivities {
  /** Runs a tool in this worker and settles its call. */
  executeTool(input: ToolInput): Promise<ToolResultRef>;
}

export interface AuthenticateInput {
  /** Name under credentials: the secret itself never leaves the worker. */
  readonly credential: string;
  /** Renew a token even where it is good; absent is false. */
  readonly renew?: boolean | undefined;
}

export interface AuthActivities {
  /**
   * One attempt to prove a credential, or to renew it where it is a token that ends soon. Fails with `auth_failed` where trying again is of no
   * use, with `max_attempts_exceeded` after the last attempt of its policy; either with the attempts so far as details.
   */
  authenticate(input: AuthenticateInput): Promise<Authenticated>;
}

export interface LoginInput {
  /** Name under credentials. */
  readonly credential: string;
  /** The user who began it, for the audit. */
  readonly by: string;
}

export interface AskInput extends LoginInput {
  /** What `beginLogin` gave. */
  readonly sealed: string;
}

export interface LoginActivities {
  /** Has a code for a person to enter. Never fails for what the provider does. */
  beginLogin(input: LoginInput): Promise<LoginBegun>;
  /** Asks once whether the person has decided; stores what is given. Never fails for what the provider does. */
  askForLogin(input: AskInput): Promise<LoginAnswer>;
}

/** On the queue of the worker process that has the program. */
export interface ProgramActivities {
  /** One message to the program and its answer: a step, as `callModel`'s is, but never sent twice. */
  executeCommand(input: CommandInput): Promise<CommandResult>;
  /** Ends the program and removes its directory. Harmless to repeat. */
  terminateProgram(programId: string): Promise<void>;
}
