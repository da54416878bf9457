/**
 * What a session asks of the world, each call with its retry policy. Journal calls are local activities: they cost one event instead of
 * three, and a seal starts without a round trip to the server (interrupt → last token).
 */
import { proxyActivities, proxyLocalActivities, type ActivityOptions } from '@temporalio/workflow';
import type { SessionActivities, StepRef, ToolActivities } from '../../contracts/activities.ts';
import { TOOL_QUEUE } from '../../contracts/names.ts';
import type { PolicyName } from '../../contracts/policies.ts';
import type { Effect, ToolCallRef } from '../../contracts/tools.ts';
import { options } from '../activity-options.ts';
import { authenticateBy } from '../authentication/authenticate.ts';
import { stepInput } from './decisions.ts';
import type { OpenTurn, Session } from './state.ts';
import { callSummary, stepSummary } from './story.ts';

/** The activity settles a call that takes too long itself; Temporal's own limit is for an activity that does not. */
const TOOL_GRACE_MS = 5_000;
/** A longer wait becomes a timer of the server: a local one would hold back signals, a stop among them. */
const LOCAL_WAIT_MS = 1_000;

const TOOL_POLICIES = {
  read: 'toolRead',
  keyed: 'toolKeyed',
  'never-retry': 'toolNeverRetry',
} as const satisfies Record<Effect, PolicyName>;

export type Activities = ReturnType<typeof sessionActivities>;

export function sessionActivities(session: Session) {
  const { policies } = session.start;
  const { startToCloseTimeout, retry } = options('record', policies) as Required<ActivityOptions>;
  const journal = proxyLocalActivities<
    Pick<SessionActivities, 'record' | 'sealStep' | 'settleToolCall' | 'settleApproval'>
  >({
    startToCloseTimeout,
    retry,
    localRetryThreshold: LOCAL_WAIT_MS,
  });
  const model = proxyActivities<Pick<SessionActivities, 'callModel'>>(options('model', policies));
  const tools = proxyActivities<ToolActivities>({ startToCloseTimeout, taskQueue: TOOL_QUEUE });
  const decisions = proxyActivities<Pick<SessionActivities, 'settleApproval'>>(
    options('record', policies),
  );
  const modelOptions = options('model', policies);

  return {
    record: journal.record,
    sealStep: journal.sealStep,
    settleToolCall: journal.settleToolCall,
    authenticate: authenticateBy(policies),
    askApproval: journal.settleApproval,
    // No local one: its effect could be there before the history has the decision, and a crash in between would leave the one without the other.
    decideApproval: decisions.settleApproval,
    callModel: (turn: OpenTurn) =>
      model.callModel.executeWithOptions({ ...modelOptions, summary: stepSummary(session) }, [
        stepInput(session, turn),
      ]),
    executeTool: (step: StepRef, call: ToolCallRef) =>
      tools.executeTool.executeWithOptions(
        {
          ...options(TOOL_POLICIES[call.effect], policies),
          startToCloseTimeout: call.timeoutMs + TOOL_GRACE_MS,
          taskQueue: TOOL_QUEUE,
          summary: callSummary(call),
        },
        [{ ...step, callId: call.callId, name: call.name, timeoutMs: call.timeoutMs }],
      ),
  };
}
