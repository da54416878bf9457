import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiDeps } from './deps.ts';
import { NoOpenRun } from './engine/engine-errors.ts';

const EVERY_MS = 3_000;
/** A signal is on its way for milliseconds; what is older was lost. */
const OVERDUE_MS = 2_000;
const AT_ONCE = 200;

/** Tells workflows again that the ledger has news of a call: the API may have died between the answer and its signal. */
export function startSweeper(deps: ApiDeps, everyMs: number = EVERY_MS): () => Promise<void> {
  const stop = new AbortController();
  const running = sweepUntil(deps, stop.signal, everyMs);
  return async () => {
    stop.abort();
    await running;
  };
}

async function sweepUntil(deps: ApiDeps, signal: AbortSignal, everyMs: number): Promise<void> {
  while (!signal.aborted) {
    await sleep(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
    await sweep(deps).catch((error: unknown) => deps.log.warn({ err: error }, 'sweep failed'));
  }
}

async function sweep({ journal, engine, metrics, log }: ApiDeps): Promise<void> {
  for (const { sessionId, callId } of await journal.ledger.overdue(OVERDUE_MS, AT_ONCE)) {
    try {
      await engine.toolResult(sessionId, callId);
      metrics.sweeps.inc();
    } catch (error) {
      // The session has ended: its calls are settled with it.
      if (!(error instanceof NoOpenRun)) throw error;
      log.debug({ sessionId, callId }, 'overdue call of a session that has no open run');
    }
  }
}
