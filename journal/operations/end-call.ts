/** The workflow looks at a call: its answer goes into the log, or it is given up; and workers run their own calls under a fence. */
import type { SettleInput, SettleResult } from '../../contracts/activities.ts';
import { errorInfo, type ErrorInfo } from '../../contracts/errors.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { ToolOutcome, ToolSettlement } from '../../contracts/tools.ts';
import type { Operation } from '../group-commit.ts';
import { AttemptClosed } from '../port.ts';
import type { Fence } from '../port.ts';
import type { CallRecord } from '../tables.ts';
import { compareFence } from './fence.ts';
import { digestOf, needsOf, timed } from './lease-call.ts';
import type { CallRef, TimedCall } from './lease-call.ts';
import { holderOf, holdersOf, withoutOne } from './run-call.ts';
import { withdrawApproval } from './end-approval.ts';
import { acceptedAnswer, doubtOf, settleCall, tellRunner } from './settle-call.ts';

export const settleLedgerCall = (input: SettleInput): Operation<SettleResult> => ({
  needs: needsOf(input),
  apply(draft) {
    const call = draft.calls.get(input.callId);
    if (!call) throw new PerdureError('not_found', `There is no tool call ${input.callId}.`);
    if (call.state === 'settled') return settled(call.outcome!);
    const settlement = settlementOf(call, { ...input, now: draft.clock });
    if (!settlement)
      return {
        state: 'open',
        dueAt: call.due_at === null ? null : new Date(call.due_at).toISOString(),
      };
    tellRunner(draft, call);
    // Of a workflow that is newer than the journal: nobody may approve what is over, which would run it after its result.
    withdrawApproval(draft, call);
    settleCall(draft, call, settlement);
    return settled(settlement.outcome);
  },
});

const settled = (outcome: ToolOutcome): SettleResult => ({ state: 'settled', outcome });

/** Undefined while the call may still be answered. Giving up concerns calls that nobody outside has claimed. */
function settlementOf(
  call: CallRecord,
  { now, giveUp, error }: Pick<SettleInput, 'giveUp' | 'error'> & { now: number },
): ToolSettlement | undefined {
  const accepted = acceptedAnswer(call);
  if (accepted) return accepted;
  if (call.state === 'leased') return call.due_at! <= now ? overdue(call, now) : undefined;
  if (!giveUp) return undefined;
  return error && !mayHaveRun(call) ? lost(call, error) : overdue(call, now);
}

/** All its attempts went away with their workers. */
const lost = (call: CallRecord, error: ErrorInfo): ToolSettlement => ({
  outcome: 'failed',
  error: { ...error, message: error.message + doubtOf(call) },
});

/** Somebody began it, and it may have taken effect. */
const mayHaveRun = (call: CallRecord): boolean =>
  call.effect === 'never-retry' && (call.state === 'leased' || call.state === 'running');

function overdue(call: CallRecord, now: number): ToolSettlement {
  const { name } = call;
  if (mayHaveRun(call)) {
    const message = `${name} was begun and never answered: it may or may not have taken effect.`;
    return { outcome: 'unknown', error: errorInfo('tool_outcome_unknown', message) };
  }
  const error = isLost(call, now)
    ? errorInfo(
        'runner_lost',
        `The runner that began ${name} went away and did not come back.${doubtOf(call)}`,
      )
    : errorInfo('tool_timeout', `${name} had no result in time.${doubtOf(call)}`);
  return { outcome: 'timed_out', error };
}

/** Its runner has given no sign of life for longer than a lease. */
const isLost = ({ mode, state, lease_ends_at }: CallRecord, now: number): boolean =>
  mode === 'remote' && state === 'leased' && lease_ends_at! <= now;

export type BeginResult =
  | {
      readonly state: 'begun';
      readonly call: TimedCall;
      readonly earlierAttempts: number;
      readonly earlierHolders: readonly string[];
    }
  | { readonly state: 'settled'; readonly outcome: ToolOutcome }
  | { readonly state: 'superseded' };

export const beginCall = (
  ref: CallRef,
  { fence, holder }: { fence: Fence; holder: string },
): Operation<BeginResult> => ({
  needs: needsOf(ref),
  apply(draft) {
    const call = draft.calls.get(ref.callId)!;
    if (call.state === 'settled') return { state: 'settled', outcome: call.outcome! };
    // Whatever the workflow believes: what nobody has approved does not run.
    if (call.state === 'held')
      throw new PerdureError('tool_denied', `${call.name} was not approved.`);
    const order = compareFence(fence, call);
    if (order < 0) return { state: 'superseded' };
    // The same attempt asks again: it did not hear the first answer.
    if (order === 0)
      return {
        state: 'begun',
        call: timed(draft, call),
        earlierAttempts: call.attempts - 1,
        earlierHolders: withoutOne(holdersOf(call), holder),
      };
    const { turn, step, attempts: earlierAttempts } = call;
    const earlierHolders = holdersOf(call);
    tellRunner(draft, call);
    if (call.attempts === 0)
      draft.append({ turn, step }, { type: 'tool.started', data: { callId: ref.callId } });
    const row: CallRecord = {
      ...call,
      state: 'running',
      holder: holderOf([...earlierHolders, holder]),
      scheduled_at: fence.scheduledAt,
      temporal_attempt: fence.attempt,
      attempts: call.attempts + 1,
    };
    draft.putCall(row);
    return { state: 'begun', call: timed(draft, row), earlierAttempts, earlierHolders };
  },
});

export const finishCall = (
  ref: CallRef,
  { fence, settlement }: { fence: Fence; settlement: ToolSettlement },
): Operation<void> => ({
  needs: needsOf(ref),
  apply(draft) {
    const call = draft.calls.get(ref.callId)!;
    if (compareFence(fence, call) !== 0) throw new AttemptClosed('superseded');
    const digest = digestOf(settlement);
    // The same attempt says it again: it did not hear the first answer.
    if (call.state === 'settled' && call.digest === digest) return;
    if (call.state === 'settled')
      throw new AttemptClosed(call.outcome === 'interrupted' ? 'sealed' : 'finished');
    settleCall(draft, { ...call, digest }, settlement);
  },
});
