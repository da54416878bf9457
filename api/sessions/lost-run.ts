import type { SessionRow } from '../../journal/port.ts';
import type { ApiDeps } from '../deps.ts';

/**
 * The row was open, and then Temporal had no open run of it: mostly the session ended in the meantime. Otherwise its run was terminated by
 * hand, or is younger than the data that Temporal was restored from; nobody else would ever end it, so its end is recorded here, once
 * (docs/decisions/2026-11-21-lost-runs.md).
 * @returns the row as it is now: closed, or as another life of the session left it
 */
export async function settleLost(
  { journal, engine, access, metrics, log }: ApiDeps,
  row: SessionRow,
): Promise<SessionRow> {
  // A session that has not begun has no run either: that one is started.
  if (row.state === 'starting' && (await engine.lastRun(row.sessionId)) !== 'closed') return row;
  const ended = await journal.sessions.endLost(row);
  access.remember(ended);
  if (ended.endReason === 'error') {
    metrics.lostRuns.inc();
    log.warn({ sessionId: row.sessionId }, 'session ended: Temporal has no open run of it');
  }
  return ended;
}
