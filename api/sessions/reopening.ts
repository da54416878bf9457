import type { SessionRow } from '../../journal/port.ts';
import type { UserMessage } from '../../workflows/session/messages.ts';
import type { ApiDeps } from '../deps.ts';
import { startOf } from './engine-start.ts';

/**
 * A new run for a session that has ended. Its place among the tenant's open sessions is taken first; where no run comes of it, the sweeper
 * gives that back.
 * @throws rate_limited where the tenant has as many open sessions as it may
 */
export async function reopenWith(
  deps: ApiDeps,
  row: SessionRow,
  message?: UserMessage,
): Promise<void> {
  await deps.journal.sessions.reserve(row.sessionId, deps.settings.api.maxSessionsPerTenant);
  await deps.engine.reopen(startOf(deps, row, { origin: 'reopen', message }));
}
