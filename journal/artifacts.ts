/** Bytes by the hash of their content, a tenant at a time: equal bytes are stored once, and another tenant's hash finds nothing. */
import type { Kysely } from 'kysely';
import type { ArtifactRef } from '../contracts/content.ts';
import type { Artifacts, Owner } from './port.ts';
import { reach, transact } from './store.ts';
import type { Store } from './store.ts';
import type { ArtifactsTable, Tables } from './tables.ts';
import { artifactOf } from './write/oversize.ts';
import type { Oversize } from './write/oversize.ts';

/** The first name and media type that a content was given stay. */
export function artifactInsert(
  db: Kysely<Tables>,
  owner: Owner,
  { ref, bytes, createdAt }: Oversize & { createdAt: number },
) {
  const row = {
    tenant: owner.tenant,
    artifact: ref.artifact,
    media_type: ref.mediaType,
    name: ref.name ?? null,
    bytes: ref.bytes,
    content: bytes,
    user_id: owner.user,
    created_at: createdAt,
  };
  return db
    .insertInto('artifacts')
    .values(row)
    .onConflict((conflict) => conflict.columns(['tenant', 'artifact']).doNothing());
}

export const artifacts = (store: Store): Artifacts => ({
  async put(owner, bytes, { mediaType, name }) {
    const artifact = artifactOf(bytes, mediaType, name);
    await transact(store, (tx) =>
      artifactInsert(tx, owner, { ...artifact, createdAt: store.now() }).execute(),
    );
    return artifact.ref;
  },

  async stat(tenant, artifact) {
    const row = await reach(store, (db) =>
      found(db, tenant, artifact).select(DESCRIPTION).executeTakeFirst(),
    );
    return row && refOf(row);
  },

  async get(tenant, artifact) {
    const row = await reach(store, (db) =>
      found(db, tenant, artifact)
        .select([...DESCRIPTION, 'content'])
        .executeTakeFirst(),
    );
    return row && { ref: refOf(row), bytes: row.content };
  },
});

const DESCRIPTION = ['artifact', 'media_type', 'bytes', 'name'] as const;

const found = (db: Kysely<Tables>, tenant: string, artifact: string) =>
  db.selectFrom('artifacts').where('tenant', '=', tenant).where('artifact', '=', artifact);

const refOf = (row: Pick<ArtifactsTable, (typeof DESCRIPTION)[number]>): ArtifactRef => ({
  artifact: row.artifact,
  mediaType: row.media_type,
  bytes: row.bytes,
  ...(row.name === null ? {} : { name: row.name }),
});
