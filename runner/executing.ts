/** Runs a tool under its claim: renewed while it runs, within the call's time, and stopped when nobody wants the result any more. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClaimedCall } from '../client/index.ts';
import { failed } from '../client/tool-outcome.ts';
import type { ToolAnswer } from '../contracts/tools.ts';
import type { AgentToolCall } from '../contracts/runners.ts';
import type { CallParts } from './call-parts.ts';
import { failure, success } from './outcome.ts';
import { boundedProgress } from './progress.ts';
import { argumentProblem } from './tools.ts';
import type { RunnerTool, ToolRun } from './tools.ts';

/** Left of the call's time for telling that it is over. */
const TELLING_SHARE = 0.05;
const TELLING_MS = 2_000;

/** Why a tool is stopped. `gone`: its result is wanted no more. `quit`: the runner ends. */
export class Stop extends Error {
  readonly why: 'gone' | 'late' | 'quit';
  constructor(why: Stop['why']) {
    super(why);
    this.why = why;
  }
}

interface Execution {
  readonly action: AgentToolCall;
  readonly claim: ClaimedCall;
  /** Aborts with a {@link Stop}. */
  readonly signal: AbortSignal;
}

/** @returns undefined where there is nothing to tell: the call is gone, or may be run again by whoever claims it next */
export async function executed(
  parts: CallParts,
  { action, claim, signal }: Execution,
): Promise<ToolAnswer | undefined> {
  const { name, effect, arguments: input } = action.invocation;
  const tool = parts.tools.get(name);
  if (!tool) return failed(`This runner has no tool "${name}".`);
  const problem = argumentProblem(tool, input);
  if (problem !== undefined) return failed(`Invalid arguments for ${name}: ${problem}.`);
  const limitMs = Math.max(1, claim.dueInMs - Math.min(TELLING_MS, claim.dueInMs * TELLING_SHARE));
  const ending = new AbortController();
  const stop = AbortSignal.any([signal, ending.signal]);
  const timer = setTimeout(() => ending.abort(new Stop('late')), limitMs);
  const renewing = renew(parts, action, { stop, lost: () => ending.abort(new Stop('gone')) });
  try {
    return success(await untilStopped(stop, () => run(parts, tool, { action, signal: stop })));
  } catch (error) {
    if (!(error instanceof Stop)) return failure(error);
    if (error.why === 'late')
      return failed(`${name} took longer than ${Math.round(limitMs / 1_000)} s and was stopped.`);
    if (error.why === 'gone' || effect !== 'never-retry') return undefined;
    return {
      status: 'unknown',
      message: `The runner was stopped while ${name} ran. It may or may not have taken effect.`,
    };
  } finally {
    clearTimeout(timer);
    ending.abort(new Stop('gone'));
    await renewing;
  }
}

async function run(
  parts: CallParts,
  tool: RunnerTool,
  { action, signal }: Pick<Execution, 'action' | 'signal'>,
): Promise<unknown> {
  const { client, runnerId } = parts;
  const { callId } = action.invocation;
  const progress = boundedProgress((message, fraction) => {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(PROGRESS_MS)]);
    return client.progress(runnerId, { callId, message, fraction }, patience);
  });
  try {
    return await tool.execute(runOf(parts, action, { signal, progress: progress.tell }));
  } finally {
    progress.end();
  }
}

/** A message that took longer is old news. */
const PROGRESS_MS = 5_000;

export const runOf = (
  { workdir }: CallParts,
  { sessionId, invocation: { callId, name, arguments: input } }: AgentToolCall,
  given: Pick<ToolRun, 'signal' | 'progress'>,
): ToolRun => ({ sessionId, callId, name, input, workspace: workdir, ...given });

/** Does not wait for a tool that ignores its signal. */
function untilStopped<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const stopped = Promise.withResolvers<never>();
  const onAbort = (): void => stopped.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  return Promise.race([work(), stopped.promise]).finally(() =>
    signal.removeEventListener('abort', onAbort),
  );
}

/** A claim that cannot be renewed for the moment is no reason to stop: the result may still be the first. One that is refused is. */
async function renew(
  { client, runnerId, leaseMs }: CallParts,
  { invocation: { callId } }: AgentToolCall,
  { stop, lost }: { stop: AbortSignal; lost: () => void },
): Promise<void> {
  for (;;) {
    await sleep(leaseMs / 3, undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) return;
    try {
      if (!(await client.claim(runnerId, callId, stop))) return lost();
    } catch {
      // Tried again; what is wrong with the connection is told by the stream of calls.
    }
  }
}
