import type { AuditAction } from '../../contracts/audit.ts';
import { deriveId, newId, type KeyId } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { KeyRow, Keys, Role } from '../../journal/port.ts';
import type { ApiContext } from '../context.ts';
import { LOCAL_TENANT, type Principal } from './principal.ts';
import { hashSecret, newSecret } from './secret.ts';

interface NewKey {
  readonly user: string;
  readonly role: Role;
  readonly label: string;
  readonly tenant?: string | undefined;
}

/** The installation's own operators look after every tenant's keys, and see nothing else of them. */
const administersAll = ({ tenant }: Principal): boolean => tenant === LOCAL_TENANT;

const scopeOf = (principal: Principal): string | undefined =>
  administersAll(principal) ? undefined : principal.tenant;

/**
 * The id follows from the request's Idempotency-Key, so a repeat makes no second key. It is refused, too: a secret is shown once, and an answer
 * without it would be taken for a key.
 * @returns the row and the key itself, which nobody can ask for again
 * @throws idempotency_conflict
 */
export async function createKey(
  ctx: ApiContext,
  { user, role, label, tenant }: NewKey,
): Promise<KeyRow & { key: string }> {
  const { deps, principal } = ctx;
  const owner = tenant ?? principal.tenant;
  if (owner !== principal.tenant && !administersAll(principal))
    throw new PerdureError('forbidden', 'You may make keys for your own tenant only.', {
      field: 'tenant',
    });
  const key = newSecret();
  const row = { keyId: idOfKey(ctx), tenant: owner, user, role, label };
  const inserted = await insertOnce(deps.journal.keys, row, hashSecret(key));
  const details = { tenant: owner, user, role, label };
  await note(ctx, inserted, { action: 'key.created', details });
  return { ...inserted, key };
}

const idOfKey = ({ principal, idempotencyKey }: ApiContext): KeyId =>
  idempotencyKey === undefined
    ? newId('key')
    : deriveId('key', principal.tenant, principal.user, idempotencyKey);

type NewRow = Parameters<Keys['insert']>[0];

async function insertOnce(keys: Keys, row: NewRow, hash: string): Promise<KeyRow> {
  try {
    return await keys.insert(row, hash);
  } catch (error) {
    // Asked afterwards, so that of two at once the second is refused as well.
    const all = await keys.list();
    if (!all.some(({ keyId }) => keyId === row.keyId)) throw error;
    throw new PerdureError(
      'idempotency_conflict',
      `This Idempotency-Key has made ${row.keyId} already, and a key is shown once: if that answer was lost, revoke it and make another with a new Idempotency-Key.`,
      { cause: error },
    );
  }
}

export const listKeys = ({ deps, principal }: ApiContext): Promise<readonly KeyRow[]> =>
  deps.journal.keys.list(scopeOf(principal));

/** @throws not_found */
export async function revokeKey(ctx: ApiContext, keyId: KeyId): Promise<void> {
  const { deps, principal } = ctx;
  const revoked = await deps.journal.keys.revoke(keyId, scopeOf(principal));
  if (!revoked)
    throw new PerdureError('not_found', `There is no key ${keyId} that could be revoked.`);
  deps.keyring.forget();
  deps.connections.closeOfKey(keyId);
  await note(ctx, revoked, { action: 'key.revoked', details: {} });
}

/** In the audit of the key's tenant, whoever changed it. An operator of the installation is no user there, and is named in full. */
async function note(
  { deps, principal, address }: ApiContext,
  { keyId: subject, tenant }: KeyRow,
  change: { action: AuditAction; details: Record<string, string> },
): Promise<void> {
  const own = principal.tenant === tenant;
  const by = `${principal.tenant}/${principal.user}`;
  const details = { ...change.details, ...(!own && { by }), address };
  const user = own ? principal.user : null;
  await deps.journal.audit.write({ ...change, subject, tenant, user, details });
}
