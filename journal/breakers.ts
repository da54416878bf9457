/** Circuit breakers of all workers: one row each, changed under its lock. */
import { randomUUID } from 'node:crypto';
import type { BreakerRules } from '../contracts/authentication.ts';
import { admit, CLOSED, report } from './breaker-state.ts';
import type { Breaker } from './breaker-state.ts';
import { databaseNow } from './database-clock.ts';
import type { BreakerStore } from './port.ts';
import { reach, transact } from './store.ts';
import type { Store, Tx } from './store.ts';
import type { BreakersTable } from './tables.ts';

const breakerOf = (record: BreakersTable): Breaker => ({
  state: record.state,
  failures: record.failures,
  openedAt: record.opened_at,
  probe: record.probe,
  probeUntil: record.probe_until,
});

const recordOf = (breaker: Breaker): Omit<BreakersTable, 'key'> => ({
  state: breaker.state,
  failures: breaker.failures,
  opened_at: breaker.openedAt,
  probe: breaker.probe,
  probe_until: breaker.probeUntil,
});

interface Locked {
  readonly tx: Tx;
  readonly key: string;
  readonly breaker: Breaker;
  /** By the database's clock. */
  readonly now: number;
}

async function locked(store: Store, tx: Tx, key: string): Promise<Locked> {
  await tx
    .insertInto('breakers')
    .values({ key, ...recordOf(CLOSED) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const { now, ...record } = await tx
    .selectFrom('breakers')
    .selectAll()
    .select(databaseNow(store).as('now'))
    .where('key', '=', key)
    .$if(store.dialect === 'postgres', (query) => query.forUpdate())
    .executeTakeFirstOrThrow();
  return { tx, key, breaker: breakerOf(record), now };
}

const save = ({ tx, key }: Locked, next: Breaker): Promise<unknown> =>
  tx.updateTable('breakers').set(recordOf(next)).where('key', '=', key).execute();

/** Without a lock: nearly always it is closed, and then there is nothing to change. */
const look = (store: Store, key: string): Promise<BreakersTable | undefined> =>
  reach(store, (db) =>
    db.selectFrom('breakers').selectAll().where('key', '=', key).executeTakeFirst(),
  );

export const breakers = (store: Store): BreakerStore => ({
  async admit(key, rules: BreakerRules) {
    const seen = await look(store, key);
    if (!seen || seen.state === 'closed') return { admitted: true };
    return transact(store, async (tx) => {
      const row = await locked(store, tx, key);
      const asking = { now: row.now, rules, probe: randomUUID() };
      const { admission, next } = admit(row.breaker, asking);
      if (next) await save(row, next);
      return admission;
    });
  },

  async report(key, said, rules) {
    const seen = await look(store, key);
    if (said.outcome === 'answered' && (!seen || (seen.state === 'closed' && seen.failures === 0)))
      return 'closed';
    return transact(store, async (tx) => {
      const row = await locked(store, tx, key);
      const next = report(row.breaker, said, { now: row.now, rules });
      if (next !== row.breaker) await save(row, next);
      return next.state;
    });
  },

  async list() {
    return reach(store, (db) =>
      db.selectFrom('breakers').select(['key', 'state', 'failures']).orderBy('key').execute(),
    );
  },
});
