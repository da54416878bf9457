import type { ApiDeps } from '../deps.ts';
import { NoOpenRun } from '../engine/engine-errors.ts';

/** A signal is on its way for milliseconds; what is older was lost. */
const OVERDUE_MS = 2_000;
const AT_ONCE = 200;

/** Tells workflows again that the ledger has news of a call: the API may have died between the answer and its signal. */
export const lostSignals =
  ({ journal, engine, metrics, log }: ApiDeps) =>
  async (): Promise<void> => {
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
  };
