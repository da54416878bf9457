/** Calls that somebody outside of the workers answers: leased, kept alive, answered. Each is one compare-and-set under the session's lock. */
import { createHash } from 'node:crypto';
import { errorInfo } from '../../contracts/errors.ts';
import type { CallId, SessionId } from '../../contracts/ids.ts';
import type { ToolSettlement } from '../../contracts/tools.ts';
import type { Operation } from '../group-commit.ts';
import type { CallRecord } from '../tables.ts';
import type { SessionDraft } from '../write/session-draft.ts';
import { doubtOf } from './settle-call.ts';

export interface CallRef {
  readonly callId: CallId;
  readonly sessionId: SessionId;
}
export interface Lease {
  readonly holder: string;
  /** Who that is to people; the holder when absent. */
  readonly runner?: string | undefined;
  readonly leaseMs: number;
  /** Of a remote call, how many may claim it one after the other; as many as like when absent or null. */
  readonly attempts?: number | null | undefined;
}
export type AnswerState = 'accepted' | 'repeated' | 'duplicate' | 'late' | 'unknown';

export const needsOf = ({ sessionId, callId }: CallRef) => ({ sessionId, calls: [callId] });

export const leaseCall = (ref: CallRef, lease: Lease): Operation<TimedCall | undefined> => ({
  needs: needsOf(ref),
  apply(draft) {
    const call = draft.calls.get(ref.callId)!;
    if (holds(call, lease)) return timed(draft, renewed(draft, call, lease));
    if (!isFree(call, draft.clock)) return undefined;
    if (isSpent(call, lease)) {
      answered(draft, call, abandoned(call));
      return undefined;
    }
    const { turn, step } = call;
    draft.append(
      { turn, step },
      { type: 'tool.started', data: { callId: ref.callId, runner: lease.runner ?? lease.holder } },
    );
    // The time for the result counts from the claim.
    const row: CallRecord = {
      ...call,
      state: 'leased',
      holder: lease.holder,
      attempts: call.attempts + 1,
      due_at: draft.clock + call.timeout_ms,
    };
    return timed(draft, renewed(draft, row, lease));
  },
});

/** A call, and when this was so by the clock that leases go by. */
export interface TimedCall extends CallRecord {
  readonly now: number;
}
export const timed = ({ clock }: SessionDraft, call: CallRecord): TimedCall => ({
  ...call,
  now: clock,
});

const holds = (call: CallRecord, { holder }: Lease): boolean =>
  call.state === 'leased' && call.holder === holder;

/** A claimed call that must not run twice is never offered again. */
export const isFree = (call: CallRecord, now: number): boolean =>
  call.state === 'offered' ||
  (call.state === 'leased' && call.effect !== 'never-retry' && call.lease_ends_at! <= now);

/** Whoever claims it dies of it, perhaps. */
const isSpent = (call: CallRecord, { attempts }: Lease): boolean =>
  call.mode === 'remote' &&
  call.state === 'leased' &&
  call.attempts >= (attempts ?? Number.POSITIVE_INFINITY);

/** As a worker's tool whose attempts are all lost. */
const abandoned = (call: CallRecord): ToolSettlement => ({
  outcome: 'failed',
  error: errorInfo(
    'runner_lost',
    `${call.name} was claimed ${call.attempts} times, and each runner went away without a result: it is given to no other.${doubtOf(call)}`,
  ),
});

function renewed(draft: SessionDraft, call: CallRecord, { leaseMs }: Lease): CallRecord {
  const row = { ...call, lease_ends_at: draft.clock + leaseMs };
  draft.putCall(row);
  return row;
}

export interface Progress extends Lease {
  readonly message: string;
  readonly fraction?: number | undefined;
}

export const reportProgress = (ref: CallRef, progress: Progress): Operation<boolean> => ({
  needs: needsOf(ref),
  apply(draft) {
    const call = draft.calls.get(ref.callId)!;
    if (!holds(call, progress)) return false;
    const { turn, step } = call;
    const { message, fraction } = progress;
    draft.append(
      { turn, step },
      { type: 'tool.progress', data: { callId: ref.callId, message, fraction } },
    );
    renewed(draft, call, progress);
    return true;
  },
});

export const answerCall = (
  ref: CallRef,
  settlement: ToolSettlement,
  holder?: string,
): Operation<AnswerState> => ({
  needs: needsOf(ref),
  apply(draft) {
    const call = draft.calls.get(ref.callId)!;
    if (call.mode === 'remote' && isHeldByAnother(call, holder)) return 'late';
    if (call.state === 'offered' || call.state === 'leased') {
      answered(draft, call, settlement);
      return 'accepted';
    }
    // Answered by nobody outside: workers execute and settle it, or nobody did in time.
    if (call.digest === null) return call.state === 'settled' ? 'late' : 'unknown';
    return call.digest === digestOf(settlement) ? 'repeated' : 'duplicate';
  },
});

/** The workflow moves it into the log. */
const answered = (draft: SessionDraft, call: CallRecord, settlement: ToolSettlement): void =>
  draft.putCall({
    ...call,
    state: 'answered',
    settlement: JSON.stringify(settlement),
    digest: digestOf(settlement),
    answered_at: draft.clock,
  });

/** Whoever lost the claim of a remote call, or never had it, must not speak for who has it. */
const isHeldByAnother = ({ state, holder }: CallRecord, answering: string | undefined): boolean =>
  state === 'offered' || (state === 'leased' && holder !== answering);

/** Of the settlement's meaning: the order of an object's keys does not count. */
export function digestOf(settlement: ToolSettlement): string {
  const canonical = JSON.stringify(settlement, (_, value: unknown) =>
    isObject(value) ? sorted(value) : value,
  );
  return createHash('sha256').update(canonical).digest('hex');
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const sorted = (value: object) =>
  Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
