/**
 * Calls about which a person is asked. The journal's row decides what was the first decision, so that an update, an expiry and the end of the
 * turn may meet in any order; the workflow waits, which costs no worker.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
} from '@temporalio/workflow';
import type { ApprovalInput, ApprovalResult } from '../../contracts/activities.ts';
import type { ApprovalOutcome } from '../../contracts/approvals.ts';
import type { ToolCallRef } from '../../contracts/tools.ts';
import type { ApprovalDecisionRequest } from './messages.ts';
import { stepRef, tell, type Run } from './run.ts';
import type { OpenTurn, Session } from './state.ts';
import type { Refusal } from './updates.ts';

type AskedCall = ToolCallRef & Required<Pick<ToolCallRef, 'approval'>>;

/** Waits until somebody has decided or the time has passed. @returns whether the call may run; else the journal has settled it */
export async function mayRun(run: Run, turn: OpenTurn, call: ToolCallRef): Promise<boolean> {
  if (!isAsked(call)) return true;
  const { approvalId } = call.approval;
  turn.approvals.set(approvalId, call.name);
  tell(run);
  const outcome = turn.decided.get(approvalId) ?? (await decisionOn(run, turn, call));
  turn.decided.set(approvalId, outcome);
  turn.approvals.delete(approvalId);
  tell(run);
  return outcome === 'approved';
}

const isAsked = (call: ToolCallRef): call is AskedCall => call.approval !== undefined;

async function decisionOn(run: Run, turn: OpenTurn, call: AskedCall): Promise<ApprovalOutcome> {
  const { approvalId, waitMs } = call.approval;
  const expiresAt = Date.now() + waitMs;
  const input = { ...stepRef(run, turn), callId: call.callId, approvalId };
  // A workflow that was reset asks for what was decided before.
  let found = outcomeOf(await run.activities.askApproval(input));
  while (found === undefined) {
    const isDue = () => turn.decided.has(approvalId) || turn.news.has(call.callId);
    const expired = !(await condition(isDue, Math.max(1, expiresAt - Date.now())));
    found = turn.decided.get(approvalId);
    if (found !== undefined) break;
    found = outcomeOf(await run.activities.askApproval({ ...input, expired }));
    // News of a call that may run are for whoever waits for its answer.
    if (found === undefined) turn.news.delete(call.callId);
  }
  return found;
}

const outcomeOf = (result: ApprovalResult): ApprovalOutcome | undefined =>
  result.state === 'settled' ? result.outcome : undefined;

/** Before it enters the history. A call that this workflow has not heard of yet may be in the journal already. */
export function refuseDecision(
  session: Session,
  request: Partial<ApprovalDecisionRequest> | undefined,
): Refusal | undefined {
  if (!isComplete(request))
    return { code: 'invalid_input', message: 'The decision names no call of a turn.' };
  const { turn } = session;
  if (turn?.id !== request.turn || turn.decided.has(request.approvalId)) return STALE;
  return undefined;
}

const isComplete = (
  request: Partial<ApprovalDecisionRequest> | undefined,
): request is ApprovalDecisionRequest =>
  typeof request?.approvalId === 'string' &&
  typeof request.callId === 'string' &&
  typeof request.step === 'number' &&
  typeof request.by === 'string' &&
  request.decision !== undefined;

const STALE = {
  code: 'approval_stale',
  message: 'It was decided already, has expired, or its turn has ended; nothing was changed.',
} as const satisfies Refusal;

/** @returns how the approval ended, by this decision */
export async function decide(
  run: Run,
  { decision, by, turn, step, callId, approvalId }: ApprovalDecisionRequest,
  id: string,
): Promise<ApprovalOutcome> {
  const { sessionId } = run.session.start;
  const input = { sessionId, turn, step, callId, approvalId };
  const result = await settled(run, { ...input, decision: { ...decision, id, by } });
  if (result.state === 'refused') throw refusal(result.error);
  if (result.state === 'open') throw refusal(STALE);
  if (run.session.turn?.id === turn) run.session.turn.decided.set(approvalId, result.outcome);
  if (result.decisionId !== id) throw refusal(STALE);
  return result.outcome;
}

/** A cancellation of the workflow is a request to stop in good order, and cancels nothing. */
async function settled(run: Run, input: ApprovalInput): Promise<ApprovalResult> {
  try {
    return await CancellationScope.nonCancellable(() => run.activities.decideApproval(input));
  } catch (error) {
    // Whoever asked is told what the journal said, not that an activity failed.
    throw error instanceof ActivityFailure ? (error.cause ?? error) : error;
  }
}

const refusal = ({ code, message }: Refusal): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, code);
