/** Sessions whose calls a person is asked about, and that person's word. */
import { WorkflowUpdateFailedError } from '@temporalio/client';
import type { MadeDecision } from '../../../contracts/activities.ts';
import {
  approvalDecision,
  type ApprovalDecisionRequest,
} from '../../../workflows/session/messages.ts';
import { callsTools, completed } from './scripted-world.ts';
import type { AskedCall } from './scripted-world.ts';
import { untilQuiet, userMessage } from './session-kit.ts';
import type { SessionKit, StartOptions, TestSession } from './session-kit.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const PATIENT = { idleMs: 1_000 * DAY, lifetimeMs: 1_000 * DAY };

/** A session whose first step asks for these calls. */
export async function asking(
  kit: SessionKit,
  calls: Parameters<typeof callsTools>[0],
  over: StartOptions = {},
) {
  const message = userMessage();
  const session = await kit.session({
    message,
    limits: PATIENT,
    script: [callsTools(calls)],
    otherwise: completed(),
    ...over,
  });
  const asked = calls.filter(({ approval }) => approval).length;
  await untilQuiet(session, ({ asks }) => asks.length === asked);
  return Object.assign(session, { turn: message.messageId });
}

export const decide = (
  session: TestSession & { turn: ApprovalDecisionRequest['turn'] },
  { callId, approval }: AskedCall,
  { updateId, ...decision }: MadeDecision & { updateId?: string },
) =>
  session.handle.executeUpdate(approvalDecision, {
    args: [
      { turn: session.turn, step: 1, callId, approvalId: approval.approvalId, decision, by: 'ann' },
    ],
    ...(updateId === undefined ? {} : { updateId }),
  });

export const APPROVE = { decision: 'approve' } as const;
export const REJECT = { decision: 'reject', reason: 'not today' } as const;

/** The code of a refused decision. */
export const refusalOf = async (deciding: Promise<unknown>): Promise<string | undefined> => {
  const error = await deciding.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  return error instanceof WorkflowUpdateFailedError
    ? (error.cause as { type?: string }).type
    : undefined;
};
