import type { SessionRow } from '../../journal/port.ts';
import type { ApiDeps } from '../deps.ts';
import { startOf } from '../sessions/engine-start.ts';
import { settleLost } from '../sessions/lost-run.ts';

/** Where no worker runs, every new session is `starting`: going round them must not keep Temporal busy. */
const AT_ONCE = 20;

/**
 * Starts sessions that have a row and no run. Without their first message: its sender was told that the start failed, and repeats it or has
 * given it up. Temporal decides who starts a run, so another API or the sender's own repeat may come at the same moment.
 */
export function halfStarts(deps: ApiDeps, olderThanMs: number): () => Promise<void> {
  let cursor: string | undefined;
  return async () => {
    const page = await deps.journal.sessions.starting(olderThanMs, { cursor, limit: AT_ONCE });
    for (const row of page.items) await complete(deps, row);
    cursor = page.nextCursor ?? undefined;
  };
}

async function complete(deps: ApiDeps, row: SessionRow): Promise<void> {
  const { sessionId } = row;
  try {
    if (!(await deps.engine.start(startOf(deps, row, { origin: 'start' })))) {
      // It has a run, which waits for a worker; or had one, which was terminated before any came.
      await settleLost(deps, row);
      return;
    }
    deps.metrics.completedStarts.inc();
    deps.log.info({ sessionId }, 'start completed that had stopped half-way');
  } catch (error) {
    // One that cannot be started must not hold up the others.
    deps.log.warn({ err: error, sessionId }, 'half-started session could not be started');
  }
}
