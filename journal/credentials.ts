/** Tokens that workers renew for each other: one worker at a time holds the right to, by compare-and-set on the version. */
import type { Selectable } from 'kysely';
import type { Strategy } from '../contracts/authentication.ts';
import { databaseNow } from './database-clock.ts';
import type { CredentialKey, CredentialRow, CredentialStore, NewSecret, Renewal } from './port.ts';
import { reach, transact } from './store.ts';
import type { Store, Tx } from './store.ts';
import type { CredentialsTable } from './tables.ts';

type Timed = Selectable<CredentialsTable> & { readonly now: number };

const rowOf = (record: Timed): CredentialRow => ({
  tenant: record.tenant,
  name: record.name,
  strategy: record.strategy,
  secret: record.secret,
  expiresInMs: record.expires_at === null ? null : record.expires_at - record.now,
  version: record.version,
  updatedAt: new Date(record.updated_at).toISOString(),
});

async function locked(store: Store, tx: Tx, { tenant, name }: CredentialKey): Promise<Timed> {
  return tx
    .selectFrom('credentials')
    .selectAll()
    .select(databaseNow(store).as('now'))
    .where('tenant', '=', tenant)
    .where('name', '=', name)
    .$if(store.dialect === 'postgres', (query) => query.forUpdate())
    .executeTakeFirstOrThrow();
}

const update = (tx: Tx, { tenant, name }: CredentialKey) =>
  tx.updateTable('credentials').where('tenant', '=', tenant).where('name', '=', name);

const held = (tx: Tx, key: CredentialKey, { version, holder }: Renewal) =>
  update(tx, key).where('version', '=', version).where('holder', '=', holder);

export const credentials = (store: Store): CredentialStore => ({
  async get({ tenant, name }) {
    const record = await reach(store, (db) =>
      db
        .selectFrom('credentials')
        .selectAll()
        .select(databaseNow(store).as('now'))
        .where('tenant', '=', tenant)
        .where('name', '=', name)
        .executeTakeFirst(),
    );
    return record && rowOf(record);
  },

  async list(tenant) {
    const records = await reach(store, (db) =>
      db
        .selectFrom('credentials')
        .selectAll()
        .select(databaseNow(store).as('now'))
        .where('tenant', '=', tenant)
        .orderBy('name')
        .execute(),
    );
    return records.map(rowOf);
  },

  claim: (key, renewal) => transact(store, (tx) => claim(store, tx, { key, renewal })),

  settle: (key, renewal, next) =>
    transact(store, (tx) => settle(store, tx, { key, renewal, next })),

  replace: (key, next) => transact(store, (tx) => replace(store, tx, { key, next })),

  release: (key, renewal) =>
    transact(store, async (tx) => {
      await held(tx, key, renewal).set({ holder: null, held_until: null }).execute();
    }),

  expire: ({ tenant, name }, version) =>
    transact(store, async (tx) => {
      await update(tx, { tenant, name })
        .set({ expires_at: 0 })
        .where('version', '=', version)
        .execute();
    }),

  forget: (key) =>
    transact(store, async (tx) => {
      const { numUpdatedRows } = await update(tx, key)
        .set((row) => ({
          secret: null,
          expires_at: 0,
          version: row('version', '+', 1),
          updated_at: databaseNow(store),
          holder: null,
          held_until: null,
        }))
        .where('secret', 'is not', null)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    }),

  reseal: (key, version, secret) =>
    transact(store, async (tx) => {
      await update(tx, key).set({ secret }).where('version', '=', version).execute();
    }),
});

interface Claiming {
  readonly key: CredentialKey;
  readonly renewal: Parameters<CredentialStore['claim']>[1];
}

async function claim(
  store: Store,
  tx: Tx,
  { key, renewal }: Claiming,
): ReturnType<CredentialStore['claim']> {
  const { version, holder, strategy, claimMs } = renewal;
  await ensureRow(store, tx, { ...key, strategy });
  const row = await locked(store, tx, key);
  if (row.version !== version) return 'changed';
  if (row.held_until !== null && row.now < row.held_until) return 'held';
  await update(tx, key)
    .set({ holder, held_until: row.now + claimMs, strategy })
    .execute();
  return row.holder === null ? 'claimed' : 'taken_over';
}

/** The first version where there was none. */
async function ensureRow(store: Store, tx: Tx, key: CredentialKey & { strategy: Strategy }) {
  const times = { expires_at: null, updated_at: databaseNow(store) };
  await tx
    .insertInto('credentials')
    .values({ ...key, ...times, secret: null, version: 0, holder: null, held_until: null })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

interface Replacing {
  readonly key: CredentialKey;
  readonly next: Parameters<CredentialStore['replace']>[1];
}

async function replace(store: Store, tx: Tx, { key, next }: Replacing): Promise<void> {
  const { strategy, secret, expiresInMs } = next;
  await ensureRow(store, tx, { ...key, strategy });
  const { now, version } = await locked(store, tx, key);
  await update(tx, key)
    .set({
      ...{ strategy, secret, version: version + 1, updated_at: now },
      expires_at: expiresInMs === null ? null : now + expiresInMs,
      ...{ holder: null, held_until: null },
    })
    .execute();
}

interface Settling {
  readonly key: CredentialKey;
  readonly renewal: Renewal;
  readonly next: NewSecret;
}

async function settle(store: Store, tx: Tx, { key, renewal, next }: Settling): Promise<boolean> {
  const { now } = await tx.selectNoFrom(databaseNow(store).as('now')).executeTakeFirstOrThrow();
  const stored = await held(tx, key, renewal)
    .set({
      secret: next.secret,
      expires_at: next.expiresInMs === null ? null : now + next.expiresInMs,
      version: renewal.version + 1,
      updated_at: now,
      holder: null,
      held_until: null,
    })
    .executeTakeFirst();
  return stored.numUpdatedRows === 1n;
}
