import { isClosed } from '../../contracts/session-state.ts';
import type { SessionRow } from '../../journal/port.ts';
import type { ApiDeps } from '../deps.ts';
import { settleLost } from '../sessions/lost-run.ts';
import { ForgottenMessages } from './forgotten-messages.ts';

/** Each costs Temporal a look-up: a few at a time, going round all that are quiet. */
const AT_ONCE = 10;

/**
 * Ends sessions that are open for the journal and of which Temporal has no open run. A session in which something happens has one. One that has
 * ended was to be reopened, and its new run never began: its place is given back. One that has a run may have forgotten messages.
 */
export function lostRuns(deps: ApiDeps, quietForMs: number): () => Promise<void> {
  const forgotten = new ForgottenMessages(deps);
  let cursor: string | undefined;
  return async () => {
    const page = await deps.journal.sessions.quiet(quietForMs, { cursor, limit: AT_ONCE });
    await Promise.all(
      page.items.map((row) =>
        settle(deps, forgotten, row).catch((error: unknown) =>
          // One that cannot be looked at must not hold up the others.
          deps.log.warn({ err: error, sessionId: row.sessionId }, 'quiet session not looked at'),
        ),
      ),
    );
    cursor = page.nextCursor ?? undefined;
  };
}

/** The row was read before Temporal is asked: a run that begins later belongs to another life of the session, which the journal tells apart. */
async function settle(deps: ApiDeps, forgotten: ForgottenMessages, row: SessionRow): Promise<void> {
  if ((await deps.engine.lastRun(row.sessionId)) === 'open') return forgotten.remind(row);
  if (isClosed(row.state)) await deps.journal.sessions.release(row);
  else await settleLost(deps, row);
}
