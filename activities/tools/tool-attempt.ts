/** One attempt of a worker at a tool call: runs the tool in its time, or finds out what an attempt before it has left. */
import type { ToolSettlement } from '../../contracts/tools.ts';
import type { Journal, LedgerCall } from '../../journal/port.ts';
import { Stopped } from '../liveness.ts';
import type { ToolExecutor, ToolRun } from './executor.ts';
import { isGone } from './running-process.ts';
import { unknownOutcome } from './settlements.ts';
import { settleResult } from './tool-result.ts';
import { whileUnreachable } from './while-unreachable.ts';

export class ToolTimeout extends Error {}

/** The tool has not run: the attempt is over and leaves nothing behind. */
export class ProbeFailed extends Error {}

export interface Begun {
  readonly call: LedgerCall;
  readonly earlierAttempts: number;
  readonly earlierHolders: readonly string[];
}

interface Parts {
  readonly journal: Pick<Journal, 'artifacts'>;
  readonly executor: ToolExecutor;
  readonly begun: Begun;
}

/** What the call ends with; a tool that must not run twice is not run where it may have been before. */
export async function attemptCall(parts: Parts, run: ToolRun): Promise<ToolSettlement> {
  const { journal, executor, begun } = parts;
  const { call } = begun;
  if (call.effect === 'never-retry' && begun.earlierAttempts > 0) {
    const found = await lookBack(parts, run);
    if (found) return found;
  }
  const value = await executor.execute(run);
  const { tenant, user } = call;
  return whileUnreachable(run.signal, () =>
    settleResult(journal.artifacts, { tenant, user }, value),
  );
}

/** @returns undefined where the tool may be run: it had no effect, and nobody is left who could bring it about */
async function lookBack(
  { journal, executor, begun }: Parts,
  run: ToolRun,
): Promise<ToolSettlement | undefined> {
  if (!executor.probe) return unknownOutcome('no-probe');
  // Before the probe: who dies after it may have had the effect in between.
  const nobodyRuns = begun.earlierHolders.every(isGone);
  const answer = await executor.probe(run).catch((error: unknown) => {
    throw new ProbeFailed((error as Error).message, { cause: error });
  });
  if (answer === 'unknown') return unknownOutcome('not-found-out');
  const { tenant, user } = begun.call;
  if (answer.happened) return settleResult(journal.artifacts, { tenant, user }, answer.result);
  return nobodyRuns ? undefined : unknownOutcome('may-still-run');
}

export interface Timed<T> {
  /** Ends at the time-out and when `stop` aborts, and does not wait for a tool that ignores its signal. */
  readonly ended: Promise<T>;
  /** The tool itself. */
  readonly work: Promise<T>;
}

/** Aborts the work when its time is over. */
export function withTimeout<T>(
  timeoutMs: number,
  stop: AbortSignal,
  begin: (signal: AbortSignal) => Promise<T>,
): Timed<T> {
  const timeout = new AbortController();
  const signal = AbortSignal.any([stop, timeout.signal]);
  const timer = setTimeout(() => timeout.abort(new ToolTimeout()), timeoutMs);
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const work = begin(signal);
  // Where nobody waits for it any more.
  work.catch(() => {});
  const ended = Promise.race([work, aborted.promise]).finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  });
  return { ended, work };
}

/** What a tool still says when its worker shuts down: most end at once when they are told. */
const LAST_WORDS_MS = 1_000;

type LastWords<T> = { readonly result: T } | 'ended' | 'goes-on';

export async function lastWords<T>(work: Promise<T>): Promise<LastWords<T>> {
  const late = Promise.withResolvers<'goes-on'>();
  const timer = setTimeout(() => late.resolve('goes-on'), LAST_WORDS_MS);
  const said = work.then(
    (result): LastWords<T> => ({ result }),
    (): LastWords<T> => 'ended',
  );
  return Promise.race([said, late.promise]).finally(() => clearTimeout(timer));
}

export const isShutdown = (reason: unknown): boolean =>
  reason instanceof Stopped && reason.reason === 'shutdown';
