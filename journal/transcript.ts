/** Rows of the transcript, and the messages that wait to become some. */
import type { Kysely } from 'kysely';
import type { TranscriptMessage } from '../contracts/transcript.ts';
import { removalOf } from '../contracts/fact-keys.ts';
import type { MessageId, SessionId } from '../contracts/ids.ts';
import type { SessionDetails } from '../contracts/projections/session.ts';
import type { KnownMessage, QueuedRow } from './port.ts';
import type { UserBody } from './operations/accept.ts';
import { reach } from './store.ts';
import type { Store } from './store.ts';
import type { MessageRecord, Tables } from './tables.ts';

export interface TranscriptOptions {
  readonly after?: number;
  readonly limit?: number;
}

export async function transcript(
  store: Store,
  sessionId: SessionId,
  options: TranscriptOptions,
): Promise<readonly TranscriptMessage[]> {
  const records = await reach(store, (db) =>
    rowsOf(db, sessionId)
      .where('turn', 'is not', null)
      .where('position', '>', options.after ?? 0)
      .orderBy('position')
      .$if(options.limit !== undefined, (all) => all.limit(options.limit!))
      .execute(),
  );
  return records.map(messageOf);
}

export async function newestSummary(store: Store, sessionId: SessionId) {
  const record = await reach(store, (db) =>
    rowsOf(db, sessionId)
      .where('role', '=', 'summary')
      .orderBy('position', 'desc')
      .limit(1)
      .executeTakeFirst(),
  );
  return record && (messageOf(record) as Extract<TranscriptMessage, { role: 'summary' }>);
}

/** Messages that wait for a turn, in the order of the queue. */
export async function queuedMessages(
  store: Store,
  sessionId: SessionId,
): Promise<readonly QueuedRow[]> {
  const [session, records] = await reach(store, (db) =>
    Promise.all([
      db.selectFrom('sessions').select('details').where('id', '=', sessionId).executeTakeFirst(),
      rowsOf(db, sessionId).where('turn', 'is', null).execute(),
    ]),
  );
  if (!session) return [];
  const { queue } = JSON.parse(session.details) as SessionDetails;
  const byId = new Map(records.map((record) => [record.id, record]));
  // What came or went between the two reads is told by the next one.
  return queue.flatMap((messageId) => {
    const record = byId.get(messageId);
    return record ? [queuedRow(messageId, record)] : [];
  });
}

const queuedRow = (messageId: MessageId, { at, body }: MessageRecord): QueuedRow => ({
  messageId,
  at: new Date(at).toISOString(),
  ...(JSON.parse(body) as UserBody),
});

/** In one statement: it is on the way of every message to its first token. */
export async function knownMessage(
  store: Store,
  sessionId: SessionId,
  messageId: MessageId,
): Promise<KnownMessage | undefined> {
  const found = await reach(store, (db) =>
    db
      .selectFrom('sessions as s')
      .leftJoin('messages as m', (join) =>
        join
          .onRef('m.session_key', '=', 's.key')
          .on('m.id', '=', messageId)
          .on('m.role', '=', 'user'),
      )
      .leftJoin('events as e', (join) =>
        join.onRef('e.session_key', '=', 's.key').on('e.fact', '=', removalOf(messageId)),
      )
      .select(['m.body', 'm.turn', 'e.seq as removedAt'])
      .where('s.id', '=', sessionId)
      .executeTakeFirst(),
  );
  if (!found) return undefined;
  const { body, turn, removedAt } = found;
  if (body === null) return removedAt === null ? undefined : { state: 'removed' };
  const { content, policy } = JSON.parse(body) as UserBody;
  return turn === null
    ? { state: 'waiting', content, policy }
    : { state: 'accepted', content, turn };
}

const rowsOf = (db: Kysely<Tables>, sessionId: SessionId) =>
  db
    .selectFrom('messages')
    .selectAll()
    .where('session_key', '=', (eb) =>
      eb.selectFrom('sessions').select('key').where('id', '=', sessionId),
    );

export function messageOf({
  id,
  role,
  position,
  turn,
  step,
  at,
  body,
}: Omit<MessageRecord, 'session_key'>): TranscriptMessage {
  return {
    id,
    role,
    position,
    turn,
    step,
    at: new Date(at).toISOString(),
    ...(JSON.parse(body) as object),
  } as TranscriptMessage;
}
