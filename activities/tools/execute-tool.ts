/** `executeTool`: runs a tool in this worker and settles its call in the ledger, exactly once. */
import { activityInfo } from '@temporalio/activity';
import type { ToolInput, ToolResultRef } from '../../contracts/activities.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { TOOL_POLICY } from '../../contracts/policies.ts';
import type { Policy } from '../../contracts/policies.ts';
import type { Effect, ToolSettlement } from '../../contracts/tools.ts';
import type { Fence } from '../../journal/port.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { translated } from '../failures.ts';
import { Stopped, watchLiveness } from '../liveness.ts';
import type { Liveness } from '../liveness.ts';
import { Progress } from './progress.ts';
import type { ToolRegistry } from './registry.ts';
import { nameOfThisProcess } from './running-process.ts';
import { failed, timedOut, unknownOutcome } from './settlements.ts';
import {
  attemptCall,
  isShutdown,
  lastWords,
  ProbeFailed,
  ToolTimeout,
  withTimeout,
} from './tool-attempt.ts';
import type { Begun } from './tool-attempt.ts';
import { whileUnreachable } from './while-unreachable.ts';

type ToolDependencies = Pick<
  ActivityDependencies,
  'journal' | 'timeouts' | 'policies' | 'log' | 'metrics'
> & { readonly tools: Pick<ToolRegistry, 'executors'> };

const fenceOf = (): Fence => {
  const { currentAttemptScheduledTimestampMs: scheduledAt, attempt } = activityInfo();
  return { scheduledAt, attempt };
};

function isLastAttempt(deps: ToolDependencies, effect: Effect): boolean {
  const { attempts }: Policy = deps.policies[TOOL_POLICY[effect]];
  return attempts !== null && activityInfo().attempt >= attempts;
}

/** What one run of the activity knows. */
interface Attempt extends Begun {
  readonly deps: ToolDependencies;
  readonly fence: Fence;
  readonly workspace: string | null;
  readonly timeoutMs: number;
  readonly liveness: Liveness;
}

/** What a failure means for the call; undefined where it is to be tried again. */
function settlementOf(attempt: Attempt, error: unknown): ToolSettlement | undefined {
  const { deps, call, timeoutMs } = attempt;
  if (error instanceof ToolTimeout) return timedOut(timeoutMs, call.effect);
  if (error instanceof PerdureError && error.code === 'journal_unavailable') return undefined;
  if (error instanceof PerdureError) return failed(error);
  const isLast = isLastAttempt(deps, call.effect);
  if (error instanceof ProbeFailed) return isLast ? unknownOutcome('not-found-out') : undefined;
  return call.effect === 'never-retry' || isLast ? failed(error) : undefined;
}

async function begin(
  attempt: Attempt,
  signal: AbortSignal,
  progress: Progress,
): Promise<ToolSettlement> {
  const { deps, call, workspace } = attempt;
  const executor = deps.tools.executors[call.mode];
  if (!executor) throw new PerdureError('tool_failed', `No executor for mode ${call.mode}.`);
  return attemptCall(
    { journal: deps.journal, executor, begun: attempt },
    {
      sessionId: call.sessionId,
      callId: call.callId,
      name: call.name,
      input: JSON.parse(call.arguments) as unknown,
      workspace,
      signal,
      progress: progress.report,
    },
  );
}

/** @throws what ends the attempt without ending the call */
async function settlementFor(attempt: Attempt): Promise<ToolSettlement> {
  const { deps, call, fence, timeoutMs, liveness } = attempt;
  const { ledger } = deps.journal;
  using progress = new Progress((report) => ledger.report(call.callId, fence, report));
  const { ended, work } = withTimeout(timeoutMs, liveness.signal, (signal) =>
    begin(attempt, signal, progress),
  );
  try {
    return await ended;
  } catch (error) {
    if (liveness.signal.aborted) return await lateSettlement(attempt, work);
    const settlement = settlementOf(attempt, error);
    if (settlement) return settlement;
    // It has run nothing: the next attempt must not take it for one that may have.
    if (error instanceof ProbeFailed) await ledger.leave(call.callId, fence, nameOfThisProcess());
    throw error;
  }
}

/** The worker shuts down: what its tool has done until then counts; of one that must not run twice it is noted that it has ended. */
async function lateSettlement(
  { deps, call, fence, liveness }: Attempt,
  work: Promise<ToolSettlement>,
): Promise<ToolSettlement> {
  const { reason } = liveness.signal;
  if (call.effect !== 'never-retry' || !isShutdown(reason)) throw reason;
  const words = await lastWords(work);
  if (words === 'goes-on') throw reason;
  if (words !== 'ended') return words.result;
  await deps.journal.ledger.leave(call.callId, fence, nameOfThisProcess());
  throw reason;
}

async function execute(deps: ToolDependencies, input: ToolInput): Promise<ToolResultRef> {
  using liveness = watchLiveness(deps.timeouts.heartbeatThrottleMs);
  const { ledger, sessions } = deps.journal;
  const { sessionId, turn, step, callId } = input;
  const fence = fenceOf();
  // Before the claim: an attempt that fails here has run nothing.
  const workspace = (await sessions.get(sessionId))?.workspace ?? null;
  const begun = await ledger.begin({ sessionId, turn, step, callId }, fence, nameOfThisProcess());
  if (begun.state === 'settled') return { callId, outcome: begun.outcome };
  if (begun.state === 'superseded') throw new Stopped('superseded');
  liveness.stopWhen((done) => ledger.whenClosed({ sessionId, callId, fence }, done));
  const startedAt = performance.now();
  const { commandMs, commandMaxMs } = deps.timeouts;
  const timeoutMs = Math.min(input.timeoutMs || commandMs, commandMaxMs);
  const attempt = { ...begun, deps, fence, workspace, timeoutMs, liveness };
  const settlement = await settlementFor(attempt);
  await whileUnreachable(liveness.signal, () => ledger.finish(callId, fence, settlement));
  deps.metrics?.toolSettled(
    { tool: input.name, outcome: settlement.outcome },
    performance.now() - startedAt,
  );
  return { callId, outcome: settlement.outcome };
}

export const createExecuteTool = (
  deps: ToolDependencies,
): ((input: ToolInput) => Promise<ToolResultRef>) => translated((input) => execute(deps, input));
