/** Bytes by the hash of their content, a tenant at a time: equal bytes are stored once, and another tenant's hash finds nothing. */
import type { Kysely } from 'kysely';
import type { ArtifactRef } from '../contracts/content.ts';
import type { Artifacts, Owner } from './port.ts';
import { reach, transact } from './store.ts';
import type { Store } from './store.ts';
import type { Tables } from './tables.ts';
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

  async get(tenant, artifact) {
    const row = await reach(store, (db) =>
      db
        .selectFrom('artifacts')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('artifact', '=', artifact)
        .executeTakeFirst(),
    );
    if (!row) return undefined;
    const ref: ArtifactRef = {
      artifact,
      mediaType: row.media_type,
      bytes: row.bytes,
      ...(row.name === null ? {} : { name: row.name }),
    };
    return { ref, bytes: row.content };
  },
});
