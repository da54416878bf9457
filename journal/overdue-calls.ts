/** Calls whose workflow should look at the ledger, in pages: what waits longest first. */
import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import type { CallId } from '../contracts/ids.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import { databaseNowOnce } from './database-clock.ts';
import { pageOf } from './page.ts';
import type { OverdueCall, Page, PageRequest } from './port.ts';
import { reach } from './store.ts';
import type { Store } from './store.ts';
import type { Tables } from './tables.ts';

/** Where a page ends. */
interface Place {
  /** Since when it waits, epoch milliseconds. */
  readonly at: number;
  readonly callId: CallId;
}

const FIRST: Place = { at: 0, callId: 'call_' };

export async function overdueCalls(
  store: Store,
  olderThanMs: number,
  { cursor, limit }: PageRequest,
): Promise<Page<OverdueCall>> {
  const after = cursor === undefined ? FIRST : placeOf(cursor);
  const rows = await reach(store, (db) =>
    overdueQuery(db, { now: databaseNowOnce(store), olderThanMs, after })
      .limit(limit + 1)
      .execute(),
  );
  return pageOf(rows, limit, {
    key: ({ at, callId }) => `${at}/${callId}`,
    item: ({ callId, sessionId }) => ({ callId, sessionId }),
  });
}

/** Of a call that is answered, and of one that is claimed. */
const SINCE = sql<number>`coalesce(tool_calls.answered_at, tool_calls.due_at)`;

interface Sought {
  readonly now: RawBuilder<number>;
  readonly olderThanMs: number;
  readonly after: Place;
}

/** The states are spelled out, so that SQLite knows its partial indexes to fit. */
const overdueQuery = (db: Kysely<Tables>, { now, olderThanMs, after }: Sought) =>
  db
    .selectFrom('tool_calls')
    .innerJoin('sessions', 'sessions.key', 'tool_calls.session_key')
    .select(['tool_calls.call_id as callId', 'sessions.id as sessionId', SINCE.as('at')])
    .where(
      sql<boolean>`(tool_calls.state = 'answered' and tool_calls.answered_at <= ${now} - ${olderThanMs} or tool_calls.state = 'leased' and tool_calls.due_at <= ${now})`,
    )
    .where(sql<boolean>`(${SINCE}, tool_calls.call_id) > (${after.at}, ${after.callId})`)
    .orderBy(SINCE)
    .orderBy('tool_calls.call_id');

/** @throws invalid_input */
function placeOf(cursor: string): Place {
  const [, at, callId] = /^(\d{1,15})\/(call_.*)$/.exec(cursor) ?? [];
  if (at !== undefined && callId !== undefined) return { at: Number(at), callId: callId as CallId };
  throw new PerdureError('invalid_input', 'The cursor is not one that the journal gave out.', {
    field: 'cursor',
  });
}
