/** Which session is active in a context, and who wants to know. */
import type { ContextRow, Contexts, Owner } from './port.ts';
import { reach, transact } from './store.ts';
import type { Store } from './store.ts';
import type { ContextsTable } from './tables.ts';
import type { Subscribers } from './subscribers.ts';

const rowOf = (record: ContextsTable): ContextRow => ({
  tenant: record.tenant,
  user: record.user_id,
  context: record.context,
  sessionId: record.session_id,
  updatedAt: new Date(record.updated_at).toISOString(),
});

const sameOwner = (a: Owner, b: Owner): boolean => a.tenant === b.tenant && a.user === b.user;

export const contexts = (store: Store, subscribers: Subscribers<ContextRow>): Contexts => ({
  async get({ tenant, user }, context) {
    const record = await reach(store, (db) =>
      db
        .selectFrom('contexts')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('user_id', '=', user)
        .where('context', '=', context)
        .executeTakeFirst(),
    );
    return record && rowOf(record);
  },

  async set({ tenant, user }, context, sessionId) {
    const record: ContextsTable = {
      tenant,
      user_id: user,
      context,
      session_id: sessionId,
      updated_at: store.now(),
    };
    await transact(store, (tx) =>
      tx
        .insertInto('contexts')
        .values(record)
        .onConflict((conflict) =>
          conflict
            .columns(['tenant', 'user_id', 'context'])
            .doUpdateSet({ session_id: sessionId, updated_at: record.updated_at }),
        )
        .execute(),
    );
    const row = rowOf(record);
    store.changes.publishContext(row);
    return row;
  },

  async list({ tenant, user }) {
    const records = await reach(store, (db) =>
      db
        .selectFrom('contexts')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('user_id', '=', user)
        .orderBy('context')
        .execute(),
    );
    return records.map(rowOf);
  },

  changes: (owner, signal) => subscribers.follow((row) => sameOwner(row, owner), signal),
});
