/** The projection from the log alone, and the queue as it says. */
import { EMPTY_SESSION, foldSession } from '../contracts/projections/session.ts';
import type { SessionProjection } from '../contracts/projections/session.ts';
import { isClosed } from '../contracts/session-state.ts';
import type { SessionId } from '../contracts/ids.ts';
import { lockedSession } from './locked-session.ts';
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
    const stored = await lockedSession(tx, store, sessionId);
    const projection = await foldAll(tx, stored);
    await forgetOthers(tx, stored.key, projection);
    const life = { ...lifeOf(stored.key, projection), ...placeOf(stored, projection) };
    const changed = Object.entries(life).some(
      ([name, value]) => stored[name as keyof typeof life] !== value,
    );
    if (changed) await tx.executeQuery(updateRows(store.dialect, [life], SESSION_LIVES)!);
    return changed;
  });

/** One that has ended may be reserved to go on. */
const placeOf = ({ open }: SessionRecord, { state }: SessionProjection) =>
  isClosed(state) ? { open } : {};

/** Messages that a release left waiting which did not yet see every end of a wait. */
async function forgetOthers(tx: Tx, key: number, { details }: SessionProjection): Promise<void> {
  await tx
    .deleteFrom('messages')
    .where('session_key', '=', key)
    .where('turn', 'is', null)
    .$if(details.queue.length > 0, (all) => all.where('id', 'not in', details.queue))
    .execute();
}

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
