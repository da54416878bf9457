/** Rows of the transcript, and the messages that wait to become some. */
import type { Kysely } from 'kysely';
import type { TranscriptMessage } from '../contracts/transcript.ts';
import type { MessageId, SessionId } from '../contracts/ids.ts';
import type { SessionDetails } from '../contracts/projections/session.ts';
import type { QueuedRow } from './port.ts';
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

/** Content of a person's message, waiting or taken in. */
export async function messageContent(
  store: Store,
  sessionId: SessionId,
  messageId: MessageId,
): Promise<UserBody['content'] | undefined> {
  const record = await reach(store, (db) =>
    rowsOf(db, sessionId).where('id', '=', messageId).where('role', '=', 'user').executeTakeFirst(),
  );
  return record && (JSON.parse(record.body) as UserBody).content;
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
