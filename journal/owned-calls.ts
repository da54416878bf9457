/** Tool calls with whose they are. */
import type { Kysely } from 'kysely';
import type { CallId, SessionId } from '../contracts/ids.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import { databaseNow } from './database-clock.ts';
import type { TimedCall } from './operations/lease-call.ts';
import { reach } from './store.ts';
import type { Store } from './store.ts';
import type { Tables } from './tables.ts';

/** Whose a call is, which never changes. */
export interface Owner {
  readonly session_id: SessionId;
  readonly tenant: string;
  readonly user_id: string;
}

export interface Owned extends TimedCall, Owner {}

export const calls = (store: Store, db: Kysely<Tables>) =>
  db
    .selectFrom('tool_calls')
    .innerJoin('sessions', 'sessions.key', 'tool_calls.session_key')
    .selectAll('tool_calls')
    .select(['sessions.id as session_id', 'sessions.tenant', 'sessions.user_id'])
    .select(databaseNow(store).as('now'));

/** Whoever looks at a call mostly does something with it next: its owner need not be read again. */
const REMEMBERED_CALLS = 1_000;

export function ownedCalls(store: Store) {
  const owners = new Map<CallId, Owner>();

  async function find(callId: CallId): Promise<Owned | undefined> {
    const found = await reach(store, (db) =>
      calls(store, db).where('call_id', '=', callId).executeTakeFirst(),
    );
    if (found) remember(owners, found);
    return found;
  }

  const ownerOf = async (callId: CallId): Promise<Owner | undefined> =>
    owners.get(callId) ?? (await find(callId));

  /** @throws {PerdureError} `not_found` */
  async function known(callId: CallId): Promise<Owner> {
    const owner = await ownerOf(callId);
    if (!owner) throw new PerdureError('not_found', `There is no tool call ${callId}.`);
    return owner;
  }

  return { find, ownerOf, known };
}

function remember(owners: Map<CallId, Owner>, row: Owned): void {
  const { call_id, session_id, tenant, user_id } = row;
  owners.set(call_id, { session_id, tenant, user_id });
  if (owners.size > REMEMBERED_CALLS) owners.delete(owners.keys().next().value!);
}
