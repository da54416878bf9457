/** The journal's port: the ledger of tool calls. Import it from port.ts. */
import type { SettleInput, SettleResult, StepRef } from '../contracts/activities.ts';
import type { CallId, RunnerId, SessionId } from '../contracts/ids.ts';
import type { RunnerSelector } from '../contracts/runners.ts';
import type { Effect, ToolMode, ToolOutcome, ToolSettlement } from '../contracts/tools.ts';
import type { SessionFilter } from './port-sessions.ts';
import type { Owner, Page, PageRequest } from './port-shelves.ts';
import type { Closed, Fence } from './port-steps.ts';

/**
 * Where a person is asked first: held → what it would have begun with. offered → leased → answered → settled; worker calls go requested → running → settled. `answered` has a result that is not in the
 * log yet; the workflow moves it there.
 */
export type CallState =
  'held' | 'requested' | 'running' | 'offered' | 'leased' | 'answered' | 'settled';

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
  /** The same as a duration, for processes whose clock may be wrong. */
  readonly dueInMs: number | null;
  readonly leaseEndsAt: string | null;
  /** Offered, or its lease has ended and it may run again. */
  readonly claimable: boolean;
  readonly timeoutMs: number;
  /** Claims, or runs in workers, so far. */
  readonly attempts: number;
  /** Of a remote call: which runners may claim it. */
  readonly runner: RunnerSelector | null;
  readonly createdAt: string;
}

export interface OverdueCall {
  readonly callId: CallId;
  readonly sessionId: SessionId;
}
export interface RemoteFilter {
  readonly tenants?: readonly string[];
  readonly sessionIds?: readonly SessionId[];
}

/** Holder of a running call whose tool has ended: the next attempt settles it, or runs it. */
export const NOBODY = 'nobody';
/** Holder of a running call where the process that runs it has no name. */
export const SOMEBODY = 'somebody';

/** One attempt at a tool call in a worker. */
export interface CallRun {
  readonly sessionId: SessionId;
  readonly callId: CallId;
  readonly fence: Fence;
}

export type CallFilter = Pick<SessionFilter, 'tenant' | 'user'> & {
  readonly sessionId?: SessionId | undefined;
  readonly mode?: ToolMode | undefined;
};

export interface Ledger {
  get(callId: CallId): Promise<LedgerCall | undefined>;
  /** Calls offered to clients and not settled, oldest first. */
  pending(filter: CallFilter, limit: number): Promise<readonly LedgerCall[]>;
  /**
   * Offered, or leased with an ended lease (and not `never-retry`) → leased by `holder`, shown as `runner` where it has such a name; the same holder's repeat renews the lease. Appends `tool.started`.
   * @param lease `attempts`: a remote call that was claimed so often in vain is answered instead, as `failed`; its workflow is to be told
   * @returns undefined where somebody else holds it, or it has its result
   */
  lease(
    callId: CallId,
    lease: {
      holder: string;
      leaseMs: number;
      runner?: RunnerId | undefined;
      attempts?: number | null | undefined;
    },
  ): Promise<LedgerCall | undefined>;
  /** Appends `tool.progress` and renews the lease. @returns false where the holder lost it */
  progress(
    callId: CallId,
    lease: { holder: string; leaseMs: number },
    progress: { message: string; fraction?: number | undefined },
  ): Promise<boolean>;
  /**
   * Offered or leased → answered, by compare-and-set; decides late, duplicate and changed. Does not append to the log.
   * @param holder of the claim: a remote call takes a result from nobody else, and is `late` for those who lost their claim
   * @returns 'accepted', 'repeated' (the same digest again: harmless), 'duplicate' (another result), 'late' (settled without a result), 'unknown'
   */
  answer(
    callId: CallId,
    settlement: ToolSettlement,
    holder?: string,
  ): Promise<'accepted' | 'repeated' | 'duplicate' | 'late' | 'unknown'>;
  /** Answered → settled with `tool.settled` and the transcript's row; due or given up → `timed_out` (never-retry and claimed: `unknown`). */
  settle(input: SettleInput): Promise<SettleResult>;
  /**
   * Worker calls: requested → running under a fence, with `tool.started`; tells a later attempt what an earlier one left.
   * @param holder names the process that runs it, for later attempts; one line
   */
  begin(
    ref: StepRef & { callId: CallId },
    fence: Fence,
    holder?: string,
  ): Promise<
    | {
        state: 'begun';
        call: LedgerCall;
        earlierAttempts: number;
        /** Who may be running it still: the holders of all earlier attempts that have not left; {@link SOMEBODY} where one has no name. */
        earlierHolders: readonly string[];
      }
    | { state: 'settled'; outcome: ToolOutcome }
    | { state: 'superseded' }
  >;
  /** Appends `tool.progress`. @returns false where this attempt does not run the call any more */
  report(
    callId: CallId,
    fence: Fence,
    progress: { message: string; fraction?: number | undefined },
  ): Promise<boolean>;
  /** The attempt's tool has ended without a result: nothing of it can take effect any more. */
  leave(callId: CallId, fence: Fence, holder?: string): Promise<void>;
  /** Running → settled, with `tool.settled` and the transcript's row. @throws {AttemptClosed} */
  finish(callId: CallId, fence: Fence, settlement: ToolSettlement): Promise<void>;
  /** Resolves when nobody wants this attempt's result any more: as `StepStore.whenClosed`. */
  whenClosed(run: CallRun, signal: AbortSignal): Promise<Closed | 'aborted'>;
  /**
   * Calls whose workflow should look at the ledger: answered but not settled since `olderThanMs`, or past their due time; what waits
   * longest first.
   */
  overdue(olderThanMs: number, page: PageRequest): Promise<Page<OverdueCall>>;
  /** Open remote calls of a tenant or of some sessions, oldest first. */
  remote(filter: RemoteFilter, limit: number): Promise<readonly LedgerCall[]>;
  /** Sessions whose remote calls changed; null where any may have. Some news may get lost: look from time to time. */
  remoteNews(signal: AbortSignal): AsyncIterable<SessionId | null>;
}
