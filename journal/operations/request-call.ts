/** A model asked for a tool: the call enters the ledger. */
import type { StepRef } from '../../contracts/activities.ts';
import type { ToolMode } from '../../contracts/tools.ts';
import type { CallState, RequestedCall } from '../port.ts';
import type { CallRecord } from '../tables.ts';
import type { Place, SessionDraft } from '../write/session-draft.ts';
import { argumentsOf, openApproval } from './open-approval.ts';
import { settleCall } from './settle-call.ts';

/** Who executes decides how it begins: workers are sent the call by Temporal, everybody else has to find the offer. */
export const FIRST_STATE: Record<ToolMode, CallState> = {
  worker: 'requested',
  mcp: 'requested',
  client: 'offered',
  remote: 'offered',
};

export function requestCall(
  draft: SessionDraft,
  place: Place,
  { attempt, call }: { attempt: StepRef; call: RequestedCall },
): void {
  const { callId, name, mode, effect } = call;
  draft.append(place, {
    type: 'tool.requested',
    data: {
      ...{ callId, name, mode, effect },
      ...(call.approval ? { held: true } : {}),
      arguments: argumentsOf(call),
    },
  });
  const row: CallRecord = {
    call_id: callId,
    session_key: draft.key,
    turn: attempt.turn,
    step: attempt.step,
    name,
    mode,
    effect,
    arguments: call.arguments,
    timeout_ms: call.timeoutMs,
    created_at: draft.now,
    state: call.approval ? 'held' : FIRST_STATE[mode],
    outcome: null,
    settlement: null,
    digest: null,
    answered_at: null,
    holder: null,
    due_at: null,
    lease_ends_at: null,
    scheduled_at: 0,
    temporal_attempt: 0,
    attempts: 0,
    runner: call.runner === undefined ? null : JSON.stringify(call.runner),
    edited: 0,
  };
  draft.putCall(row);
  if (call.approval) openApproval(draft, row, { place, approval: call.approval });
  if (call.settlement) settleCall(draft, row, call.settlement);
}
