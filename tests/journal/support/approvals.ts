/** Calls about which a person is asked. */
import { approvalIdOf } from '../../../contracts/approvals.ts';
import { foldEvents } from '../../../contracts/projections/turns.ts';
import type { SessionId } from '../../../contracts/ids.ts';
import type { DecidedApproval, Journal, RequestedCall } from '../../../journal/port.ts';
import { allEvents, openCalls, toolCall } from './facts.ts';

export const WAIT_MS = 60_000;

export const askedCall = (change: Partial<RequestedCall> = {}): RequestedCall =>
  toolCall({
    mode: 'worker',
    approval: {
      inputSchema: { type: 'object' },
      rule: 'approvalPolicy[0]',
      reason: 'writes to disk',
      preview: '-old\n+new',
      waitMs: WAIT_MS,
    },
    ...change,
  });

export const approved = (change: object = {}): DecidedApproval => ({
  id: 'first',
  by: 'ann',
  outcome: 'approved',
  ...change,
});
export const rejected: DecidedApproval = {
  id: 'second',
  by: 'bob',
  outcome: 'rejected',
  reason: 'no',
};

/** A session that waits for the approval of its only call. */
export async function asking(journal: Journal, change: Partial<RequestedCall> = {}) {
  const call = askedCall(change);
  const { sessionId, turn } = await openCalls(journal, call);
  const { callId } = call;
  const approvalId = approvalIdOf(sessionId, callId, call.arguments);
  const settle = (ending: { decision?: DecidedApproval; expired?: boolean } = {}) =>
    journal.approvals.settle({ sessionId, callId, approvalId, ...ending });
  return { sessionId, turn, callId, approvalId, settle };
}

export const stateOf = async (journal: Journal, sessionId: SessionId) =>
  (await journal.sessions.get(sessionId))?.state;

export const callIn = async (journal: Journal, sessionId: SessionId) =>
  foldEvents(await allEvents(journal, sessionId))
    .turns.at(-1)
    ?.steps.at(-1)?.calls[0];

export const auditOf = async (journal: Journal) =>
  (await journal.audit.list({}, { limit: 50 })).items;
