/** The journal's port: steps of turns, and who may write them. Import it from port.ts. */
import type {
  IncomingMessage,
  ModelStepResult,
  SealInput,
  SealResult,
  StepRef,
} from '../contracts/activities.ts';
import type { ErrorInfo } from '../contracts/errors.ts';
import type { NewEvent } from '../contracts/events.ts';
import type { CallId } from '../contracts/ids.ts';
import type { RunnerSelector } from '../contracts/runners.ts';
import type { Effect, ToolMode, ToolSettlement } from '../contracts/tools.ts';
import type { AssistantPart } from '../contracts/transcript.ts';
import type { Prices, Spend } from '../contracts/usage.ts';

/** Temporal's clock and attempt number, compared in that order: the attempt number alone goes back to 1 after a reset. */
export interface Fence {
  readonly scheduledAt: number;
  readonly attempt: number;
}

export interface Claim extends StepRef {
  readonly fence: Fence;
  /** Of the step's input: a finished step is run again only where it differs, and has a message that the turn has not taken in. */
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
      /** What the step's earlier attempts cost; estimated for a call whose worker went away without saying it. */
      readonly spend: Spend;
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
  /** Of a remote call: which runners may claim it. */
  readonly runner?: RunnerSelector | undefined;
  /** Settled at once: unknown tool, invalid arguments, denied. */
  readonly settlement?: ToolSettlement | undefined;
  /** A person is asked before it can run. */
  readonly approval?: RequestedApproval | undefined;
}

export interface RequestedApproval {
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly preview?: string | undefined;
  /** What asks, in words of perdure.yaml, and why. */
  readonly rule: string;
  readonly reason?: string | undefined;
  readonly waitMs: number;
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
  /**
   * Adds ledger rows, and `tool.requested` (and `tool.settled` with its transcript row where settled at once, `approval.opened` where a person is
   * asked) for each.
   */
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
  /** `context.compacted`, and what the summary cost. */
  readonly events: readonly NewEvent[];
  readonly spend: Spend;
}

/** A provider's call that has begun: what is needed to charge it if it is cut off. */
export interface BegunCall {
  readonly provider: string;
  readonly model: string;
  /** Of the whole request, estimated. */
  readonly inputTokens: number;
  readonly prices: Prices;
}

export interface StepStore {
  /**
   * Takes the step for this attempt if its fence is newer than the last one's. Appends, the first time: `message.accepted` for each message (with its
   * transcript row) and, at step 1, `turn.started`; `attempt.superseded` when an unfinished attempt had streamed; and `usage.recorded` for a call
   * of its that never said what it used.
   */
  claim(claim: Claim): Promise<ClaimResult>;
  /**
   * Appends events for an attempt, committed together with those of other sessions.
   * @param begun where a call begins: whoever cuts it off charges it, a seal or the next attempt
   * @returns the number of the last one
   * @throws {AttemptClosed} when the step is sealed, finished or claimed by a newer attempt
   */
  append(attempt: Attempt, events: readonly NewEvent[], begun?: BegunCall): Promise<number>;
  /** Everything that ends the step, in one transaction. @throws {AttemptClosed} */
  finish(attempt: Attempt, settlement: StepSettlement): Promise<void>;
  /** @throws {AttemptClosed} */
  fail(attempt: Attempt, failure: AttemptFailure): Promise<void>;
  /** Adds a summary to the transcript. @throws {AttemptClosed} */
  summarize(attempt: Attempt, summary: Summary): Promise<void>;
  /** Adds what a call cost that was cut off, less what the seal has charged it, after its step was closed. Repeats are no-ops. */
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
