/** Pages of a session's log. */
import { EVENT_VERSION } from '../contracts/events.ts';
import type { PerdureEvent } from '../contracts/events.ts';
import type { SessionId } from '../contracts/ids.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import type { EventPage } from './port.ts';
import { reach } from './store.ts';
import type { Store } from './store.ts';
import type { EventRecord } from './tables.ts';

export interface ReadOptions {
  readonly after: number;
  readonly limit: number;
  readonly types?: readonly PerdureEvent['type'][] | undefined;
}

/** @throws not_found, cursor_expired */
export function readPage(
  store: Store,
  sessionId: SessionId,
  { after, limit, types }: ReadOptions,
): Promise<EventPage> {
  return reach(store, async (db) => {
    const session = await db
      .selectFrom('sessions')
      .select(['key', 'last_seq', 'kept_from'])
      .where('id', '=', sessionId)
      .executeTakeFirst();
    if (!session) throw new PerdureError('not_found', `There is no session ${sessionId}.`);
    if (after + 1 < session.kept_from) {
      throw new PerdureError(
        'cursor_expired',
        `Events before number ${session.kept_from} are no longer kept.`,
      );
    }
    const records = await db
      .selectFrom('events')
      .selectAll()
      .where('session_key', '=', session.key)
      .where('seq', '>', after)
      .where('seq', '<=', session.last_seq)
      .$if(types !== undefined, (all) => all.where('type', 'in', types!))
      .orderBy('seq')
      .limit(limit)
      .execute();
    const events = records.map((record) => eventOf(record, sessionId));
    // A short page accounts for everything up to the head: what it does not hold was pruned, or is of another type.
    const to = records.length < limit ? Math.max(after, session.last_seq) : events.at(-1)!.seq;
    return { events, from: after + 1, to, nextAfter: to };
  });
}

export function eventOf(record: EventRecord, sessionId: SessionId): PerdureEvent {
  const { seq, turn, step, attempt, at, type, data } = record;
  return {
    v: EVENT_VERSION,
    sessionId,
    seq,
    ...(turn === null ? {} : { turn }),
    ...(step === null ? {} : { step }),
    ...(attempt === null ? {} : { attempt }),
    at: new Date(at).toISOString(),
    type,
    data: JSON.parse(data),
  } as PerdureEvent;
}
