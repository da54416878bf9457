/** Runs a tool under its claim: renewed while it runs, within the call's time, and stopped when nobody wants the result any more. */
import type { ClaimedCall } from '../client/index.ts';
import { failed } from '../client/tool-outcome.ts';
import type { Effect, ToolAnswer } from '../contracts/tools.ts';
import type { AgentToolCall } from '../contracts/runners.ts';
import type { CallParts } from './call-parts.ts';
import { failure, success } from './outcome.ts';
import { boundedProgress } from './progress.ts';
import { leaseLeftMs, renew } from './renewal.ts';
import { argumentProblem } from './tools.ts';
import type { RunnerTool, ToolRun } from './tools.ts';

/** Left of the call's time for telling that it is over. */
const TELLING_SHARE = 0.05;
const TELLING_MS = 2_000;

/** Why a tool is stopped. `gone`: its result is wanted no more. `quit`: the runner ends. `lapsed`: another runner may be given the call. */
export class Stop extends Error {
  readonly why: 'gone' | 'late' | 'quit' | 'lapsed';
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

/** `lapsed`: it is to be claimed again. Undefined: there is nothing to tell, the call is gone, or left to whoever claims it next. */
export type Executed = ToolAnswer | 'lapsed' | undefined;

export async function executed(
  parts: CallParts,
  { action, claim, signal }: Execution,
): Promise<Executed> {
  const { callId, name, effect, arguments: input } = action.invocation;
  const tool = parts.tools.get(name);
  if (!tool) return failed(`This runner has no tool "${name}".`);
  const problem = argumentProblem(tool, input);
  if (problem !== undefined) return failed(`Invalid arguments for ${name}: ${problem}.`);
  // Claimed again after a crash or a long silence: whatever began now would end too late.
  if (claim.dueInMs <= 0) return timeOver(name, effect);
  // Whoever claims it next may run it: it must not run here any more. What must not run twice is given to nobody else.
  const mayLapse = effect !== 'never-retry';
  if (mayLapse && leaseLeftMs(parts, claim.sentAt) <= 0) return 'lapsed';
  const limitMs = Math.ceil(claim.dueInMs - Math.min(TELLING_MS, claim.dueInMs * TELLING_SHARE));
  const [late, ending] = [new AbortController(), new AbortController()];
  const wanted = AbortSignal.any([signal, late.signal]);
  const stop = AbortSignal.any([wanted, ending.signal]);
  const timer = setTimeout(() => late.abort(new Stop('late')), limitMs);
  const renewing = renew(parts, {
    ...{ callId, sentAt: claim.sentAt, stop },
    onLost: () => ending.abort(new Stop('gone')),
    onLapsed: () => mayLapse && ending.abort(new Stop('lapsed')),
  });
  try {
    return await outcomeOf(run(parts, tool, { action, signal: stop }), { wanted, stop });
  } catch (error) {
    return error instanceof Stop ? stopped(action, error, limitMs) : failure(error);
  } finally {
    clearTimeout(timer);
    ending.abort(new Stop('gone'));
    await renewing;
  }
}

/** Where its claim lapses it is told to end, and waited for: it must not be begun again beside itself. */
async function outcomeOf(
  work: Promise<unknown>,
  { wanted, stop }: { wanted: AbortSignal; stop: AbortSignal },
): Promise<Executed> {
  try {
    return success(await untilStopped(stop, work));
  } catch (error) {
    if (!(error instanceof Stop && error.why === 'lapsed')) throw error;
  }
  try {
    // It was done all the same: the API knows whether somebody else has the call.
    return success(await untilStopped(wanted, work));
  } catch (error) {
    if (error instanceof Stop && error.why !== 'lapsed') throw error;
    return 'lapsed';
  }
}

function stopped(
  { invocation: { name, effect } }: AgentToolCall,
  { why }: Stop,
  limitMs: number,
): ToolAnswer | undefined {
  const seconds = Math.max(1, Math.round(limitMs / 1_000));
  if (why === 'late')
    return tooLate(effect, `${name} took longer than ${seconds} s and was stopped.`);
  if (why === 'gone' || effect !== 'never-retry') return undefined;
  return {
    status: 'unknown',
    message: `The runner was stopped while ${name} ran. It may or may not have taken effect.`,
  };
}

/** Of a call that may run again an attempt before may have done something; what must not run twice was surely not begun. */
function timeOver(name: string, effect: Effect): ToolAnswer {
  const doubt = effect === 'keyed' ? ' An attempt before may have taken effect.' : '';
  return failed(`The time of ${name} was over before it could run.${doubt}`);
}

/** As a worker's tool; a runner's word for what nobody knows is `unknown`. */
function tooLate(effect: Effect, message: string): ToolAnswer {
  if (effect === 'read') return failed(message);
  const doubtful = `${message} It may or may not have taken effect.`;
  return effect === 'keyed' ? failed(doubtful) : { status: 'unknown', message: doubtful };
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
function untilStopped<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const stopped = Promise.withResolvers<never>();
  const onAbort = (): void => stopped.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  return Promise.race([work, stopped.promise]).finally(() =>
    signal.removeEventListener('abort', onAbort),
  );
}
