/** A person is asked about a call, in the transaction that puts it into the ledger: nobody finds the one without the other. */
import { approvalIdOf } from '../../contracts/approvals.ts';
import type { ApprovalId } from '../../contracts/ids.ts';
import type { RequestedApproval } from '../port.ts';
import type { CallRecord } from '../tables.ts';
import type { Place, SessionDraft } from '../write/session-draft.ts';

export const approvalOf = (draft: SessionDraft, call: CallRecord): ApprovalId =>
  approvalIdOf(draft.sessionId, call.call_id, call.arguments);

export function openApproval(
  draft: SessionDraft,
  call: CallRecord,
  { place, approval }: { place: Place; approval: RequestedApproval },
): void {
  const { preview, rule, reason, waitMs } = approval;
  const approvalId = approvalOf(draft, call);
  const expiresAt = draft.now + waitMs;
  draft.append(place, {
    type: 'approval.opened',
    data: {
      approvalId,
      callId: call.call_id,
      name: call.name,
      arguments: argumentsOf(call),
      ...(preview === undefined ? {} : { preview }),
      rule,
      ...(reason === undefined ? {} : { reason }),
      expiresAt: new Date(expiresAt).toISOString(),
    },
  });
  const { session_key, call_id, turn, step, name, mode, effect } = call;
  draft.openApproval({
    ...{ session_key, call_id, turn, step, name, mode, effect, rule },
    approval_id: approvalId,
    arguments: call.arguments,
    input_schema: JSON.stringify(approval.inputSchema),
    preview: preview ?? null,
    reason: reason ?? null,
    state: 'open',
    outcome: null,
    decision: null,
    created_at: draft.now,
    expires_at: expiresAt,
    settled_at: null,
    tenant: draft.owner.tenant,
    user_id: draft.owner.user,
  });
}

/** What the model sent may not be JSON: then it is shown as it came. */
export function argumentsOf({ arguments: text }: { readonly arguments: string }) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
