/** API keys, by the hash of the key. */
import type { Kysely } from 'kysely';
import type { KeyId } from '../contracts/ids.ts';
import type { KeyRow, Keys } from './port.ts';
import { reach, transact } from './store.ts';
import type { Store } from './store.ts';
import type { KeysTable, Tables } from './tables.ts';

/** `lastUsedAt` is written at most this often a key. */
const LAST_USED_EVERY_MS = 60_000;
/** Parameters of one statement: SQLite takes 32,766. */
const IDS_AT_ONCE = 1_000;

const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

const rowOf = (record: KeysTable): KeyRow => ({
  keyId: record.key_id,
  tenant: record.tenant,
  user: record.user_id,
  role: record.role,
  label: record.label,
  createdAt: new Date(record.created_at).toISOString(),
  revokedAt: iso(record.revoked_at),
  lastUsedAt: iso(record.last_used_at),
});

export const keys = (store: Store): Keys => ({
  async insert({ keyId, tenant, user, role, label }, hash) {
    const times = { created_at: store.now(), revoked_at: null, last_used_at: null };
    const record: KeysTable = { key_id: keyId, hash, tenant, user_id: user, role, label, ...times };
    await transact(store, (tx) => tx.insertInto('keys').values(record).execute());
    return rowOf(record);
  },

  async findByHash(hash) {
    const record = await reach(store, (db) =>
      db.selectFrom('keys').selectAll().where('hash', '=', hash).executeTakeFirst(),
    );
    if (record && record.revoked_at === null) await touch(store, record);
    return record && rowOf(record);
  },

  async list(tenant) {
    const records = await reach(store, (db) =>
      db
        .selectFrom('keys')
        .selectAll()
        .$if(tenant !== undefined, (all) => all.where('tenant', '=', tenant!))
        .orderBy('created_at')
        .orderBy('key_id')
        .execute(),
    );
    return records.map(rowOf);
  },

  async revoke(keyId, tenant) {
    const record = await transact(store, (tx) =>
      tx
        .updateTable('keys')
        .set({ revoked_at: store.now() })
        .where('key_id', '=', keyId)
        .where('revoked_at', 'is', null)
        .$if(tenant !== undefined, (all) => all.where('tenant', '=', tenant!))
        .returningAll()
        .executeTakeFirst(),
    );
    return record && rowOf(record);
  },

  async valid(keyIds) {
    const found = new Set<KeyId>();
    for (let from = 0; from < keyIds.length; from += IDS_AT_ONCE) {
      const some = keyIds.slice(from, from + IDS_AT_ONCE);
      for (const { key_id } of await reach(store, (db) => validAmong(db, some))) found.add(key_id);
    }
    return found;
  },

  async count() {
    const { count } = await reach(store, (db) =>
      db
        .selectFrom('keys')
        .select((select) => select.fn.countAll<number>().as('count'))
        .where('revoked_at', 'is', null)
        .executeTakeFirstOrThrow(),
    );
    return count;
  },
});

const validAmong = (db: Kysely<Tables>, keyIds: readonly KeyId[]) =>
  db
    .selectFrom('keys')
    .select('key_id')
    .where('key_id', 'in', keyIds)
    .where('revoked_at', 'is', null)
    .execute();

async function touch(store: Store, { key_id, last_used_at }: KeysTable): Promise<void> {
  const now = store.now();
  if (last_used_at !== null && now - last_used_at < LAST_USED_EVERY_MS) return;
  await transact(store, (tx) =>
    tx.updateTable('keys').set({ last_used_at: now }).where('key_id', '=', key_id).execute(),
  );
}
