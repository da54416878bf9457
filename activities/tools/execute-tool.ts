/** `executeTool`: runs a tool in this worker and settles its call in the ledger, exactly once. */
import { activityInfo } from '@temporalio/activity';
import type { ToolInput, ToolResultRef } from '../../contracts/activities.ts';
import { errorInfo } from '../../contracts/errors.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { Policy } from '../../contracts/policies.ts';
import type { Effect, ToolSettlement } from '../../contracts/tools.ts';
import type { Fence, LedgerCall } from '../../journal/port.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { translated } from '../failures.ts';
import { Stopped, watchLiveness } from '../liveness.ts';
import type { Liveness } from '../liveness.ts';
import { redact } from '../model/redaction.ts';
import type { ToolRegistry } from './registry.ts';
import { settleResult } from './tool-result.ts';

type ToolDependencies = Pick<
  ActivityDependencies,
  'journal' | 'timeouts' | 'policies' | 'log' | 'metrics'
> & { readonly tools: Pick<ToolRegistry, 'executors'> };

const fenceOf = (): Fence => {
  const { currentAttemptScheduledTimestampMs: scheduledAt, attempt } = activityInfo();
  return { scheduledAt, attempt };
};

const POLICY_OF = {
  read: 'toolRead',
  keyed: 'toolKeyed',
  'never-retry': 'toolNeverRetry',
} as const satisfies Record<Effect, keyof ToolDependencies['policies']>;

const policyOf = (deps: ToolDependencies, effect: Effect): Policy =>
  deps.policies[POLICY_OF[effect]];

const unknownOutcome = (): ToolSettlement => ({
  outcome: 'unknown',
  error: errorInfo(
    'tool_outcome_unknown',
    'The worker went away while the tool ran. It may or may not have taken effect, and was not run again.',
  ),
});

const timedOut = (ms: number): ToolSettlement => ({
  outcome: 'timed_out',
  error: errorInfo('tool_timeout', `The tool took longer than ${ms / 1_000} s and was stopped.`),
});

class ToolTimeout extends Error {}

async function run(
  deps: ToolDependencies,
  call: LedgerCall,
  signal: AbortSignal,
): Promise<ToolSettlement> {
  const session = await deps.journal.sessions.get(call.sessionId);
  const executor = deps.tools.executors[call.mode];
  if (!executor) throw new PerdureError('tool_failed', `No executor for mode ${call.mode}.`);
  const value = await executor.execute({
    sessionId: call.sessionId,
    callId: call.callId,
    name: call.name,
    input: JSON.parse(call.arguments) as unknown,
    workspace: session?.workspace ?? null,
    signal,
  });
  return settleResult(deps.journal.artifacts, { tenant: call.tenant, user: call.user }, value);
}

/** Aborts the tool, and does not wait for one that ignores it. */
function withTimeout<T>(
  timeoutMs: number,
  stop: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const timeout = new AbortController();
  const signal = AbortSignal.any([stop, timeout.signal]);
  const timer = setTimeout(() => timeout.abort(new ToolTimeout()), timeoutMs);
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  return Promise.race([work(signal), aborted.promise]).finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  });
}

/** What a failure means for the call; undefined where it is to be tried again. */
function settlementOf(
  deps: ToolDependencies,
  call: LedgerCall,
  { error, timeoutMs }: { error: unknown; timeoutMs: number },
): ToolSettlement | undefined {
  if (error instanceof ToolTimeout) return timedOut(timeoutMs);
  if (error instanceof PerdureError && error.code !== 'journal_unavailable')
    return { outcome: 'failed', error: error.toInfo() };
  if (error instanceof PerdureError) return undefined;
  const { attempt } = activityInfo();
  const { attempts } = policyOf(deps, call.effect);
  if (call.effect !== 'never-retry' && attempts !== null && attempt < attempts) return undefined;
  const message = redact(error instanceof Error ? error.message : String(error));
  return { outcome: 'failed', error: errorInfo('tool_failed', message) };
}

interface Begun {
  readonly call: LedgerCall;
  readonly fence: Fence;
  readonly earlierAttempts: number;
}

async function settlementFor(
  deps: ToolDependencies,
  { call, earlierAttempts }: Begun,
  { input, liveness }: { input: ToolInput; liveness: Liveness },
): Promise<ToolSettlement> {
  if (call.effect === 'never-retry' && earlierAttempts > 0) return unknownOutcome();
  const timeoutMs = Math.min(
    input.timeoutMs || deps.timeouts.commandMs,
    deps.timeouts.commandMaxMs,
  );
  try {
    return await withTimeout(timeoutMs, liveness.signal, (signal) => run(deps, call, signal));
  } catch (error) {
    if (liveness.signal.aborted) throw liveness.signal.reason;
    const settlement = settlementOf(deps, call, { error, timeoutMs });
    if (settlement) return settlement;
    throw error;
  }
}

async function execute(deps: ToolDependencies, input: ToolInput): Promise<ToolResultRef> {
  using liveness = watchLiveness(deps.timeouts.heartbeatThrottleMs);
  const { ledger } = deps.journal;
  const { sessionId, turn, step, callId } = input;
  const fence = fenceOf();
  const begun = await ledger.begin({ sessionId, turn, step, callId }, fence);
  if (begun.state === 'settled') return { callId, outcome: begun.outcome };
  if (begun.state === 'superseded') throw new Stopped('superseded');
  liveness.stopWhen((done) => ledger.whenClosed({ sessionId, callId, fence }, done));
  const startedAt = performance.now();
  const settlement = await settlementFor(deps, { ...begun, fence }, { input, liveness });
  await ledger.finish(callId, fence, settlement);
  deps.metrics?.toolSettled(
    { tool: input.name, outcome: settlement.outcome },
    performance.now() - startedAt,
  );
  return { callId, outcome: settlement.outcome };
}

export const createExecuteTool = (
  deps: ToolDependencies,
): ((input: ToolInput) => Promise<ToolResultRef>) => translated((input) => execute(deps, input));
