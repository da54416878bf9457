import { PerdureError } from '../../contracts/perdure-error.ts';
import type { KeyRow } from '../../journal/port.ts';
import type { ApiDeps } from '../deps.ts';
import { LOCAL_OWNER, principalOf, type Principal } from './principal.ts';
import type { Refusal } from './refusals.ts';
import { hashSecret } from './secret.ts';

export interface Credentials {
  /** The Authorization header, or what a browser sent as connection parameter `authorization`. */
  readonly authorization: string | undefined;
  readonly address: string;
  /** Came through a proxy: then "from this machine" says nothing about the person. */
  readonly forwarded: boolean;
}

/**
 * Finds out who is calling.
 * @throws unauthenticated; rate_limited after many wrong keys from one address
 */
export async function identify(deps: ApiDeps, credentials: Credentials): Promise<Principal> {
  const { authorization, address, forwarded } = credentials;
  if (!authorization) {
    if (deps.openToLocalOwner && !forwarded) return LOCAL_OWNER;
    throw new PerdureError(
      'unauthenticated',
      'No key: send "Authorization: Bearer pdk_…" (perdure keys create makes one).',
    );
  }
  const secret = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
  if (!forwarded && hashSecret(secret) === deps.ownerKeyHash) return LOCAL_OWNER;
  const find = () => deps.keyring.find(secret);
  // Whoever guesses behind the same address must not lock those out whose key was right before.
  const known = deps.keyring.knows(secret) ? await find() : undefined;
  const row = known ?? (await deps.guesses.lookUp(address, find));
  if (row) {
    deps.arrivals.note(row, address);
    return principalOf(row);
  }
  deps.refusals.note({ ...refusedKey(deps.keyring.revoked(secret)), address });
  throw new PerdureError('unauthenticated', 'This key is malformed, unknown or revoked.');
}

/** A guess is nobody's. A revoked key was somebody's, whose operators want to know that it is still about. */
const refusedKey = (row: KeyRow | undefined): Omit<Refusal, 'address'> =>
  row
    ? { tenant: row.tenant, user: row.user, subject: row.keyId, reason: 'revoked_key' }
    : { tenant: null, user: null, subject: null, reason: 'unknown_key' };
