/** A tool call ends, once: in the ledger, in the log and in the transcript. */
import { errorInfo } from '../../contracts/errors.ts';
import type { ToolSettlement } from '../../contracts/tools.ts';
import type { CallRecord } from '../tables.ts';
import type { SessionDraft } from '../write/session-draft.ts';
import { withdrawApproval } from './end-approval.ts';
import { argumentsOf } from './open-approval.ts';

/** The body of a tool's row in the transcript. */
export interface ToolBody {
  readonly callId: string;
  readonly name: string;
  readonly settlement: ToolSettlement;
  /** What it ran with, where a person had changed the arguments. */
  readonly arguments?: unknown;
}

export function settleCall(
  draft: SessionDraft,
  call: CallRecord,
  settlement: ToolSettlement,
): void {
  const { call_id: callId, name, turn, step } = call;
  const { seq } = draft.append(
    { turn, step },
    { type: 'tool.settled', data: { callId, name, ...settlement } },
  );
  const body: ToolBody = { callId, name, settlement, ...changedArguments(call) };
  draft.putMessage({
    id: callId,
    role: 'tool',
    position: seq,
    turn,
    step,
    body: JSON.stringify(body),
  });
  // The transcript has the result now; the digest stays, to tell a repeated answer from a changed one.
  draft.putCall({
    ...call,
    state: 'settled',
    outcome: settlement.outcome,
    settlement: null,
    due_at: null,
    lease_ends_at: null,
  });
}

const changedArguments = (call: CallRecord) =>
  call.edited ? { arguments: argumentsOf(call) } : {};

/** Where a turn ends: what was answered keeps its answer, whose sender was told that it counts; the rest is interrupted. */
export function interruptCalls(draft: SessionDraft, calls: readonly CallRecord[]): void {
  for (const call of calls) {
    tellRunner(draft, call);
    withdrawApproval(draft, call);
    settleCall(draft, call, acceptedAnswer(call) ?? interrupted(call));
  }
}

const interrupted = (call: CallRecord): ToolSettlement => ({
  outcome: 'interrupted',
  error: errorInfo(
    'tool_failed',
    hasBegun(call)
      ? 'The turn was interrupted while the tool ran: it may or may not have taken effect.'
      : 'The turn was interrupted before the call had a result.',
  ),
});

/** It may have taken effect. */
const hasBegun = ({ state, effect }: CallRecord): boolean =>
  effect !== 'read' && (state === 'running' || state === 'leased');

export const doubtOf = (call: CallRecord): string =>
  hasBegun(call) ? ' It may or may not have taken effect.' : '';

/** What was answered from outside and waits for the workflow to look at it. */
export const acceptedAnswer = ({ state, settlement }: CallRecord): ToolSettlement | undefined =>
  state === 'answered' ? (JSON.parse(settlement!) as ToolSettlement) : undefined;

/** Somebody else ends the call, or takes it over: whoever runs it stops at once. */
export function tellRunner(draft: SessionDraft, call: CallRecord): void {
  if (call.state === 'running') draft.closed = true;
}
