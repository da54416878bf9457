import { isClosed } from '../../contracts/session-state.ts';
import type { SessionRow } from '../../journal/port.ts';
import type { ApiDeps } from '../deps.ts';
import { settleLost } from '../sessions/lost-run.ts';

/** Each costs Temporal a look-up: a few at a time, going round all that are quiet. */
const AT_ONCE = 10;

/**
 * Ends sessions that are open for the journal and of which Temporal has no open run. A session in which something happens has one. One that has
 * ended was to be reopened, and its new run never began: its place is given back.
 */
export function lostRuns(deps: ApiDeps, quietForMs: number): () => Promise<void> {
  let cursor: string | undefined;
  return async () => {
    const page = await deps.journal.sessions.quiet(quietForMs, { cursor, limit: AT_ONCE });
    await Promise.all(page.items.map((row) => settle(deps, row)));
    cursor = page.nextCursor ?? undefined;
  };
}

/** The row was read before Temporal is asked: a run that begins later belongs to another life of the session, which the journal tells apart. */
async function settle(deps: ApiDeps, row: SessionRow): Promise<void> {
  if ((await deps.engine.lastRun(row.sessionId)) === 'open') return;
  if (isClosed(row.state)) await deps.journal.sessions.release(row);
  else await settleLost(deps, row);
}
