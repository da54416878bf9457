/** A session's row for a change that depends on what it says: nobody else changes it before the transaction is over. */
import { PerdureError } from '../contracts/perdure-error.ts';
import type { SessionId } from '../contracts/ids.ts';
import type { Store, Tx } from './store.ts';
import type { SessionRecord } from './tables.ts';

/** @throws not_found */
export async function lockedSession(
  tx: Tx,
  { dialect }: Store,
  sessionId: SessionId,
): Promise<SessionRecord> {
  const stored = await tx
    .selectFrom('sessions')
    .selectAll()
    .where('id', '=', sessionId)
    .$if(dialect === 'postgres', (query) => query.forUpdate())
    .executeTakeFirst();
  if (!stored) throw new PerdureError('not_found', `There is no session ${sessionId}.`);
  return stored;
}
