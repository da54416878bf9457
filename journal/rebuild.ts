/** The projection from the log alone. */
import { EMPTY_SESSION, foldSession } from '../contracts/projections/session.ts';
import type { SessionProjection } from '../contracts/projections/session.ts';
import type { SessionId } from '../contracts/ids.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import { eventOf } from './read.ts';
import { updateRows } from './recordset.ts';
import { transact } from './store.ts';
import type { Store, Tx } from './store.ts';
import type { SessionRecord } from './tables.ts';
import { lifeOf } from './write/flush.ts';
import { SESSION_LIVES } from './write/targets.ts';

/** Events read at a time. */
const PAGE = 1_000;

/** @returns whether the stored projection was another one @throws not_found */
export const rebuildProjection = (store: Store, sessionId: SessionId): Promise<boolean> =>
  transact(store, async (tx) => {
    const stored = await tx
      .selectFrom('sessions')
      .selectAll()
      .where('id', '=', sessionId)
      .$if(store.dialect === 'postgres', (query) => query.forUpdate())
      .executeTakeFirst();
    if (!stored) throw new PerdureError('not_found', `There is no session ${sessionId}.`);
    const life = lifeOf(stored.key, await foldAll(tx, stored));
    const changed = Object.entries(life).some(
      ([name, value]) => stored[name as keyof typeof life] !== value,
    );
    if (changed) await tx.executeQuery(updateRows(store.dialect, [life], SESSION_LIVES)!);
    return changed;
  });

async function foldAll(tx: Tx, { key, id }: SessionRecord): Promise<SessionProjection> {
  let projection = EMPTY_SESSION;
  for (;;) {
    const records = await tx
      .selectFrom('events')
      .selectAll()
      .where('session_key', '=', key)
      .where('seq', '>', projection.lastSeq)
      .orderBy('seq')
      .limit(PAGE)
      .execute();
    projection = records.reduce(
      (before, record) => foldSession(before, eventOf(record, id)),
      projection,
    );
    if (records.length < PAGE) return projection;
  }
}
