/** The end of an approval in the log and in its row; what becomes of the call is said by whoever ends it. */
import type { EventData } from '../../contracts/events.ts';
import type { CallRecord } from '../tables.ts';
import type { SessionDraft } from '../write/session-draft.ts';
import { approvalOf } from './open-approval.ts';

/** What a row keeps of its decision. */
export interface StoredDecision {
  /** The update's id: the same decision again is no second one. */
  readonly id: string;
  readonly by: string;
  /** JSON text, where the person changed them. */
  readonly arguments?: string | undefined;
  readonly reason?: string | undefined;
}

export interface ApprovalEnd {
  readonly settled: EventData<'approval.settled'>;
  readonly decision?: StoredDecision | undefined;
}

export function endApproval(
  draft: SessionDraft,
  { turn, step }: CallRecord,
  { settled, decision }: ApprovalEnd,
): void {
  draft.append({ turn, step }, { type: 'approval.settled', data: settled });
  draft.settleApproval({
    approval_id: settled.approvalId,
    state: 'settled',
    outcome: settled.outcome,
    decision: decision === undefined ? null : JSON.stringify(decision),
    settled_at: draft.now,
  });
}

/** Its turn ends while a person is asked: nobody has to answer any more. */
export function withdrawApproval(draft: SessionDraft, call: CallRecord): void {
  if (call.state !== 'held') return;
  const approvalId = approvalOf(draft, call);
  const settled = { approvalId, callId: call.call_id, outcome: 'withdrawn' } as const;
  endApproval(draft, call, { settled });
}
