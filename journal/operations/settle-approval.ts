/** An approval ends, once: decided by a person, expired, or withdrawn with its turn. The first wins, whoever asks. */
import type { ApprovalState } from '../../contracts/activities.ts';
import { errorInfo } from '../../contracts/errors.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { ToolSettlement } from '../../contracts/tools.ts';
import type { Operation } from '../group-commit.ts';
import type { ApprovalSettling, DecidedApproval } from '../port.ts';
import type { ApprovalRecord, CallRecord } from '../tables.ts';
import type { SessionDraft } from '../write/session-draft.ts';
import { endApproval } from './end-approval.ts';
import type { StoredDecision } from './end-approval.ts';
import { approvalOf, argumentsOf } from './open-approval.ts';
import { FIRST_STATE } from './request-call.ts';
import { settleCall } from './settle-call.ts';

/** @returns how it stands afterwards: what was decided first stays */
export const settleApproval = ({
  sessionId,
  callId,
  approvalId,
  ...ending
}: ApprovalSettling): Operation<ApprovalState> => ({
  needs: { sessionId, calls: [callId], approvals: [approvalId] },
  apply(draft) {
    const approval = draft.approvals.get(approvalId);
    const call = draft.calls.get(callId);
    if (!approval || !call || approval.call_id !== callId)
      throw new PerdureError('not_found', `There is no approval ${approvalId}.`);
    if (approval.state === 'open' && ending.decision) decide(draft, call, ending.decision);
    else if (approval.state === 'open' && ending.expired) expire(draft, call);
    return stateOf(draft.approvals.get(approvalId)!);
  },
});

function stateOf({ state, outcome, decision }: ApprovalRecord): ApprovalState {
  if (state === 'open') return { state };
  const { id = null } = decision === null ? {} : (JSON.parse(decision) as StoredDecision);
  return { state, outcome: outcome!, decisionId: id };
}

function decide(draft: SessionDraft, call: CallRecord, decision: DecidedApproval): void {
  if (decision.outcome === 'approved') approve(draft, call, decision);
  else reject(draft, call, decision);
  const { callId, approvalId } = refOf(draft, call);
  const edited = decision.outcome === 'approved' && decision.arguments !== undefined;
  draft.audit({
    user: decision.by,
    action: `approval.${decision.outcome}`,
    subject: approvalId,
    details: { sessionId: draft.sessionId, callId, tool: call.name, edited },
  });
}

const refOf = (draft: SessionDraft, call: CallRecord) => ({
  approvalId: approvalOf(draft, call),
  callId: call.call_id,
});

/** Only now may anybody run it. */
function approve(
  draft: SessionDraft,
  call: CallRecord,
  { id, by, arguments: edited }: Extract<DecidedApproval, { outcome: 'approved' }>,
): void {
  const changed = edited === undefined ? {} : { arguments: edited };
  const shown = edited === undefined ? {} : { arguments: argumentsOf({ arguments: edited }) };
  endApproval(draft, call, {
    settled: { ...refOf(draft, call), outcome: 'approved', by, ...shown },
    decision: { id, by, ...changed },
  });
  const state = FIRST_STATE[call.mode];
  draft.putCall({ ...call, state, ...changed, edited: edited === undefined ? 0 : 1 });
}

function reject(
  draft: SessionDraft,
  call: CallRecord,
  { id, by, reason }: Extract<DecidedApproval, { outcome: 'rejected' }>,
): void {
  const said = reason === undefined ? {} : { reason };
  endApproval(draft, call, {
    settled: { ...refOf(draft, call), outcome: 'rejected', by, ...said },
    decision: { id, by, ...said },
  });
  settleCall(draft, call, rejected(reason));
}

function expire(draft: SessionDraft, call: CallRecord): void {
  endApproval(draft, call, { settled: { ...refOf(draft, call), outcome: 'expired' } });
  settleCall(draft, call, EXPIRED);
}

const EXPIRED: ToolSettlement = {
  outcome: 'rejected',
  error: errorInfo(
    'tool_denied',
    'Nobody approved the call in time, so it expired. It did not run.',
  ),
};

const rejected = (reason: string | undefined): ToolSettlement => ({
  outcome: 'rejected',
  error: errorInfo(
    'tool_denied',
    reason === undefined
      ? 'A person rejected this call. It did not run.'
      : `A person rejected this call. It did not run. They said: ${reason}`,
  ),
});
