/** Trust in MCP servers: on the first use, then by an operator's word on each change. */
import type { Selectable } from 'kysely';
import type { AuditAction } from '../contracts/audit.ts';
import { mcpManifestSchema, REVOKED } from '../contracts/mcp.ts';
import type { McpManifest } from '../contracts/mcp.ts';
import type { McpApproval, McpManifestRow, McpManifests, McpDecision } from './port.ts';
import { reach, transact } from './store.ts';
import type { Store, Tx } from './store.ts';
import type { AuditTable, McpManifestsTable } from './tables.ts';

type Row = Selectable<McpManifestsTable>;

/** Servers belong to nobody's tenant; this is the one whose operators look after the installation. */
const INSTALLATION = 'local';

const NOTHING_ELSE = { listed: null, listed_hash: null, listed_at: null };

const manifestIn = (json: string): McpManifest => mcpManifestSchema.parse(JSON.parse(json));

const rowOf = (record: Row): McpManifestRow => ({
  server: record.server,
  approved: manifestIn(record.approved),
  approvedAt: new Date(record.approved_at).toISOString(),
  approvedBy: record.approved_by,
  listed:
    record.listed === null || record.listed_at === null
      ? null
      : { manifest: manifestIn(record.listed), at: new Date(record.listed_at).toISOString() },
});

const found = (tx: Tx | Store['reader'], server: string): Promise<Row | undefined> =>
  tx.selectFrom('mcp_manifests').selectAll().where('server', '=', server).executeTakeFirst();

type Note = Pick<AuditTable, 'tenant' | 'user_id' | 'subject'> & {
  readonly action: AuditAction;
  readonly details: Record<string, string | number>;
};

const note = (tx: Tx, at: number, { details, ...row }: Note) =>
  tx
    .insertInto('audit')
    .values({ at, ...row, details: JSON.stringify(details) })
    .execute();

async function firstUse(
  store: Store,
  tx: Tx,
  { server, manifest }: { server: string; manifest: McpManifest },
): Promise<void> {
  const at = store.now();
  const approved = {
    server,
    approved: JSON.stringify(manifest),
    approved_hash: manifest.hash,
    approved_at: at,
    approved_by: null,
    ...NOTHING_ELSE,
  };
  const inserted = await tx
    .insertInto('mcp_manifests')
    .values(approved)
    .onConflict((conflict) => conflict.column('server').doNothing())
    .returning('server')
    .execute();
  if (inserted.length === 0) return;
  const details = { hash: manifest.hash, tools: manifest.tools.length };
  const who = { tenant: INSTALLATION, user_id: null };
  await note(tx, at, { ...who, action: 'mcp.pinned', subject: server, details });
}

/** @returns the row as it is afterwards */
async function noteListed(
  store: Store,
  tx: Tx,
  { server, manifest }: { server: string; manifest: McpManifest },
): Promise<Row> {
  const before = (await found(tx, server))!;
  const differs = before.approved_hash !== manifest.hash;
  if (differs ? before.listed_hash === manifest.hash : before.listed_hash === null) return before;
  const listed = differs
    ? { listed: JSON.stringify(manifest), listed_hash: manifest.hash, listed_at: store.now() }
    : NOTHING_ELSE;
  await tx
    .updateTable('mcp_manifests')
    .set(listed)
    .where('server', '=', server)
    // Beside an approval it is that which counts.
    .where('approved_hash', '=', before.approved_hash)
    .execute();
  return (await found(tx, server))!;
}

async function approve(
  store: Store,
  tx: Tx,
  { server, hash, by, audit }: McpApproval,
): Promise<Row | undefined> {
  const before = await found(tx, server);
  if (!before || before.listed === null || before.listed_hash !== hash) return undefined;
  const at = store.now();
  const [approved] = await tx
    .updateTable('mcp_manifests')
    .set({
      approved: before.listed,
      approved_hash: hash,
      approved_at: at,
      approved_by: by,
      ...NOTHING_ELSE,
    })
    .where('server', '=', server)
    // Looked at again by the statement: of two at once, or beside a new list, one wins.
    .where('listed_hash', '=', hash)
    .returningAll()
    .execute();
  if (!approved) return undefined;
  const details = { ...audit.details, hash, before: before.approved_hash };
  const who = { tenant: audit.tenant, user_id: audit.user };
  await note(tx, at, { ...who, action: 'mcp.approved', subject: server, details });
  return approved;
}

/** What was approved waits for an approval again, unless the server lists something newer: looked at by the statement itself. */
async function revoke(
  store: Store,
  tx: Tx,
  { server, by, audit }: McpDecision,
): Promise<Row | undefined> {
  const before = await found(tx, server);
  const at = store.now();
  const [revoked] = await tx
    .updateTable('mcp_manifests')
    .set((eb) => ({
      listed: eb.fn.coalesce(eb.ref('listed'), eb.ref('approved')),
      listed_hash: eb.fn.coalesce(eb.ref('listed_hash'), eb.ref('approved_hash')),
      listed_at: eb.fn.coalesce(eb.ref('listed_at'), eb.ref('approved_at')),
      approved: JSON.stringify(REVOKED),
      approved_hash: REVOKED.hash,
      approved_at: at,
      approved_by: by,
    }))
    .where('server', '=', server)
    .where('approved_hash', '!=', REVOKED.hash)
    .returningAll()
    .execute();
  if (!revoked) return before;
  const details = { ...audit.details, before: before?.approved_hash ?? '' };
  const who = { tenant: audit.tenant, user_id: audit.user };
  await note(tx, at, { ...who, action: 'mcp.revoked', subject: server, details });
  return revoked;
}

export const mcpManifests = (store: Store): McpManifests => ({
  async list() {
    const records = await reach(store, (db) =>
      db.selectFrom('mcp_manifests').selectAll().orderBy('server').execute(),
    );
    return records.map(rowOf);
  },

  async approvedHashes() {
    const records = await reach(store, (db) =>
      db.selectFrom('mcp_manifests').select(['server', 'approved_hash']).execute(),
    );
    return new Map(records.map(({ server, approved_hash }) => [server, approved_hash]));
  },

  async get(server) {
    const record = await reach(store, (db) => found(db, server));
    return record && rowOf(record);
  },

  async observe(server, manifest) {
    const record = await transact(store, async (tx) => {
      await firstUse(store, tx, { server, manifest });
      return noteListed(store, tx, { server, manifest });
    });
    return rowOf(record);
  },

  async approve(approval) {
    const record = await transact(store, (tx) => approve(store, tx, approval));
    return record && rowOf(record);
  },

  async revoke(decision) {
    const record = await transact(store, (tx) => revoke(store, tx, decision));
    return record && rowOf(record);
  },
});
