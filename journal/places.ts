/** How many sessions a tenant may have open: counted in the transaction that opens one, so that many at once are no more than one by one. */
import { sql } from 'kysely';
import { PerdureError } from '../contracts/perdure-error.ts';
import type { SessionId } from '../contracts/ids.ts';
import type { SessionRow } from './port.ts';
import { transact } from './store.ts';
import type { Store, Tx } from './store.ts';

const RETRY_AFTER_MS = 30_000;
/**
 * PostgreSQL does not show a transaction what others have not committed yet: this near to the limit they go one by one. More are never under
 * way at once, because each has a connection (PostgreSQL's own limit is 100 by default).
 */
const UNDER_WAY = 500;
/** Tells these advisory locks from others. */
const LOCK_CLASS = 7_400;

export interface Place {
  readonly tenant: string;
  /** How many sessions the tenant may have open. */
  readonly most: number;
}

/** To be called once the session is among the open ones. @throws rate_limited where it is one too many: then nothing may be committed */
export async function refuseBeyond(tx: Tx, { dialect }: Store, place: Place): Promise<void> {
  let open = await openOf(tx, place);
  if (dialect === 'postgres' && open <= place.most && open > place.most - UNDER_WAY) {
    await sql`select pg_advisory_xact_lock(${LOCK_CLASS}, hashtext(${place.tenant}))`.execute(tx);
    open = await openOf(tx, place);
  }
  if (open > place.most)
    throw new PerdureError(
      'rate_limited',
      `This tenant has ${place.most} open sessions, the most it may have (api.maxSessionsPerTenant): stop some first.`,
      { retryAfterMs: RETRY_AFTER_MS },
    );
}

async function openOf(tx: Tx, { tenant }: Place): Promise<number> {
  const { open } = await tx
    .selectFrom('sessions')
    .select((select) => select.fn.countAll<number>().as('open'))
    .where('tenant', '=', tenant)
    // Spelled out, so that SQLite knows its partial index to fit.
    .where('open', '=', sql.lit<1>(1))
    .executeTakeFirstOrThrow();
  return open;
}

const CLOSED = ['ended', 'error'] as const;

/** See {@link SessionStore.reserve}. */
export const reserve = (store: Store, sessionId: SessionId, most: number): Promise<void> =>
  transact(store, async (tx) => {
    const closed = tx
      .updateTable('sessions')
      // The time too, by which `release` knows that nobody has reserved it again.
      .set({ open: 1, updated_at: store.now() })
      .where('id', '=', sessionId)
      .where('state', 'in', CLOSED);
    const taken = await closed.where('open', '=', 0).returning('tenant').executeTakeFirst();
    if (taken) await refuseBeyond(tx, store, { tenant: taken.tenant, most });
    else await closed.execute();
  });

/** See {@link SessionStore.release}. */
export const release = (
  store: Store,
  { sessionId, updatedAt }: Pick<SessionRow, 'sessionId' | 'updatedAt'>,
): Promise<void> =>
  transact(store, async (tx) => {
    await tx
      .updateTable('sessions')
      .set({ open: 0 })
      .where('id', '=', sessionId)
      .where('state', 'in', CLOSED)
      .where('updated_at', '=', Date.parse(updatedAt))
      .execute();
  });
