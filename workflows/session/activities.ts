/**
 * What a session asks of the world, each call with its retry policy. Journal calls are local activities: they cost one event instead of
 * three, and a seal starts without a round trip to the server (interrupt → last token).
 */
import {
  CancellationScope,
  proxyActivities,
  proxyLocalActivities,
  type ActivityOptions,
} from '@temporalio/workflow';
import type {
  ApprovalInput,
  ProgramActivities,
  ProgramRef,
  SessionActivities,
  SettleInput,
  StepRef,
  ToolActivities,
} from '../../contracts/activities.ts';
import { TOOL_QUEUE } from '../../contracts/names.ts';
import { TOOL_POLICY } from '../../contracts/policies.ts';
import type { ToolCallRef } from '../../contracts/tools.ts';
import { options } from '../activity-options.ts';
import { authenticateBy } from '../authentication/authenticate.ts';
import { stepInput } from './decisions.ts';
import type { OpenTurn, Session } from './state.ts';
import { callSummary, stepSummary } from './story.ts';

/** The activity settles a call that takes too long itself; Temporal's own limit is for an activity that does not. */
const TOOL_GRACE_MS = 5_000;
/** A longer wait becomes a timer of the server: a local one would hold back signals, a stop among them. */
const LOCAL_WAIT_MS = 1_000;

/** A worker that does not take what only it can take is not there. */
const PROGRAM_QUEUE_MS = 10_000;
/** The activity ends a program that takes too long itself. */
const PROGRAM_GRACE_MS = 5_000;
/** Its process is killed, its directory removed. */
const TERMINATE_MS = 30_000;

export type Activities = ReturnType<typeof sessionActivities>;

export function sessionActivities(session: Session) {
  const { policies } = session.start;
  const { startToCloseTimeout, retry } = options('record', policies) as Required<ActivityOptions>;
  const journal = proxyLocalActivities<
    Pick<
      SessionActivities,
      'record' | 'sealStep' | 'settleToolCall' | 'settleApproval' | 'takePlace'
    >
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
  const starts = proxyActivities<Pick<SessionActivities, 'startProgram'>>(
    options('startProgram', policies),
  );

  return {
    record: journal.record,
    sealStep: journal.sealStep,
    takePlace: journal.takePlace,
    // A local one that is cancelled under way breaks the workflow's task in Temporal's SDK (seen, 1.24); it ends by itself, and harms nothing.
    settleToolCall: (input: SettleInput) =>
      CancellationScope.nonCancellable(() => journal.settleToolCall(input)),
    askApproval: (input: ApprovalInput) =>
      CancellationScope.nonCancellable(() => journal.settleApproval(input)),
    authenticate: authenticateBy(policies),
    // No local one: its effect could be there before the history has the decision, and a crash in between would leave the one without the other.
    decideApproval: decisions.settleApproval,
    callModel: (turn: OpenTurn) =>
      model.callModel.executeWithOptions({ ...modelOptions, summary: stepSummary(session) }, [
        stepInput(session, turn),
      ]),
    ...programActivities(session),
    startProgram: () =>
      starts.startProgram({
        sessionId: session.start.sessionId,
        provider: session.start.engine?.cli ?? '',
        idleMs: session.limits.idleMs,
      }),
    executeTool: (step: StepRef, call: ToolCallRef) =>
      tools.executeTool.executeWithOptions(
        {
          ...options(TOOL_POLICY[call.effect], policies),
          startToCloseTimeout: call.timeoutMs + TOOL_GRACE_MS,
          taskQueue: TOOL_QUEUE,
          summary: callSummary(call),
        },
        [{ ...step, callId: call.callId, name: call.name, timeoutMs: call.timeoutMs }],
      ),
  };
}

/** On the queue of the one worker process that has the program, once: what was begun there is never begun elsewhere. */
function programActivities(session: Session) {
  const { policies, sessionId, engine } = session.start;
  const programs = proxyActivities<ProgramActivities>({ startToCloseTimeout: TERMINATE_MS });
  const timeoutMs = engine?.timeoutMs ?? 0;
  const once = {
    scheduleToStartTimeout: PROGRAM_QUEUE_MS,
    cancellationType: 'TRY_CANCEL',
    retry: { maximumAttempts: 1 },
  } as const satisfies ActivityOptions;
  return {
    executeCommand: ({ programId, provider, queue }: ProgramRef, turn: OpenTurn) =>
      programs.executeCommand.executeWithOptions(
        {
          ...options('command', policies),
          ...once,
          startToCloseTimeout: timeoutMs + PROGRAM_GRACE_MS,
          taskQueue: queue,
          summary: stepSummary(session),
        },
        [
          {
            ...{ sessionId, turn: turn.id, step: turn.step, messages: turn.incoming },
            ...{ programId, provider, timeoutMs, idleMs: session.limits.idleMs },
          },
        ],
      ),
    terminateProgram: ({ programId, queue }: ProgramRef) =>
      programs.terminateProgram.executeWithOptions(
        { ...once, startToCloseTimeout: TERMINATE_MS, taskQueue: queue },
        [programId],
      ),
  };
}
