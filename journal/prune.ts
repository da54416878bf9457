/** Deltas are kept for clients that follow a turn; once it is settled its completed content says the same. */
import { sql } from 'kysely';
import { recordset } from './recordset.ts';
import { transact } from './store.ts';
import type { Store, Tx } from './store.ts';
import type { SettledTurnsTable } from './tables.ts';

/**
 * Removes the deltas of up to `limit` turns that were settled before `before`: those that a completed content replaces and those of
 * superseded attempts. What an attempt streamed without ever completing it stays, because nothing else says it.
 * @returns the number of deltas removed
 */
export const pruneTurns = (
  store: Store,
  { before, limit }: { before: number; limit: number },
): Promise<number> =>
  transact(store, async (tx) => {
    const turns = await tx
      .selectFrom('settled_turns')
      .selectAll()
      .where('settled_at', '<', before)
      .orderBy('settled_at')
      .limit(limit)
      .execute();
    if (turns.length === 0) return 0;
    const removed = await removeDeltas(tx, store, turns);
    await sql`delete from settled_turns where (session_key, last_seq) in
      (select r.session_key, r.last_seq from ${recordset(store.dialect, turns, { session_key: 'bigint', last_seq: 'bigint' })})`.execute(
      tx,
    );
    return removed;
  });

async function removeDeltas(
  tx: Tx,
  store: Store,
  turns: readonly SettledTurnsTable[],
): Promise<number> {
  const columns = {
    session_key: 'bigint',
    turn: 'text',
    first_seq: 'bigint',
    last_seq: 'bigint',
  } as const;
  const { numAffectedRows } = await sql`
    delete from events where type = 'content.delta' and (session_key, seq) in (
      select d.session_key, d.seq from ${recordset(store.dialect, turns, columns)}
      join events d on d.session_key = r.session_key and d.seq between r.first_seq and r.last_seq and d.turn = r.turn
      join steps t on t.session_key = d.session_key and t.turn = d.turn and t.step = d.step
      where d.type = 'content.delta' and (d.attempt < t.number or exists (
        select 1 from events c where c.session_key = d.session_key and c.seq > d.seq and c.seq <= r.last_seq
          and c.type = 'content.completed' and c.turn = d.turn and c.step = d.step and c.attempt = d.attempt)))`.execute(
    tx,
  );
  return Number(numAffectedRows);
}
