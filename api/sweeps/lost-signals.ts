import type { SessionId } from '../../contracts/ids.ts';
import type { OverdueCall } from '../../journal/port.ts';
import type { ApiDeps } from '../deps.ts';
import { NoOpenRun } from '../engine/engine-errors.ts';
import { GrowingPauses } from './growing-pauses.ts';

/** A signal is on its way for milliseconds; what is older was lost. */
const OVERDUE_MS = 2_000;
const AT_ONCE = 200;

/**
 * Temporal keeps a signal until a worker comes, and refuses all signals of a run after 10,000, a stop's too: where none comes, each call is told of
 * more and more rarely.
 */
const FIRST_PAUSE_MS = 3_000;
const LONGEST_PAUSE_MS = 5 * 60_000;
/** What Temporal did not take costs the session nothing. */
const LONGEST_AFTER_FAILURE_MS = 30_000;

type Told = Pick<ApiDeps, 'journal' | 'engine' | 'metrics' | 'log'>;

/**
 * Tells workflows again that the ledger has news of a call: the API may have died between the answer and its signal. Each signal names its
 * call, and the workflow looks at no other one.
 * @param now a clock that only goes forward, for tests
 */
export function lostSignals(deps: Told, now?: () => number): () => Promise<void> {
  const pauses = new GrowingPauses<OverdueCall['callId']>({
    firstMs: FIRST_PAUSE_MS,
    longestMs: LONGEST_PAUSE_MS,
    ...(now && { now }),
  });
  let cursor: string | undefined;
  return async () => {
    const page = await deps.journal.ledger.overdue(OVERDUE_MS, { cursor, limit: AT_ONCE });
    const due = page.items.filter(({ callId }) => pauses.isDue(callId));
    const failing = new Set<SessionId>();
    for (const call of due) {
      const { callId, sessionId } = call;
      // Each failure may take seconds, for which the calls of others would wait.
      if (failing.has(sessionId)) continue;
      if (await tell(deps, call)) {
        // A session with many calls gets no more signals than one with a single call, once all were told of.
        pauses.tried(callId, { sharing: callsOf(sessionId, page.items) });
      } else {
        failing.add(sessionId);
        pauses.tried(callId, { longestMs: LONGEST_AFTER_FAILURE_MS });
      }
    }
    cursor = page.nextCursor ?? undefined;
    if (cursor === undefined) pauses.endRound();
  };
}

const callsOf = (sessionId: SessionId, all: readonly OverdueCall[]): number =>
  all.filter((call) => call.sessionId === sessionId).length;

/** @returns false where Temporal did not take it */
async function tell({ engine, metrics, log }: Told, call: OverdueCall): Promise<boolean> {
  const { sessionId, callId } = call;
  try {
    await engine.toolResult(sessionId, callId);
    metrics.sweeps.inc();
    return true;
  } catch (error) {
    if (error instanceof NoOpenRun) {
      // The session has ended: its calls are settled with it.
      log.debug({ sessionId, callId }, 'overdue call of a session that has no open run');
      return true;
    }
    log.warn({ err: error, sessionId, callId }, 'overdue call of which its session is not told');
    return false;
  }
}
