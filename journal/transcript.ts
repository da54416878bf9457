/** Rows of the transcript, and the messages that wait to become some. */
import type { Kysely } from 'kysely';
import type { TranscriptMessage } from '../contracts/transcript.ts';
import type { MessageId, SessionId } from '../contracts/ids.ts';
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

/** Messages that wait for a turn, in the order of their arrival. */
export async function queuedMessages(
  store: Store,
  sessionId: SessionId,
): Promise<readonly QueuedRow[]> {
  const records = await reach(store, (db) =>
    rowsOf(db, sessionId).where('turn', 'is', null).orderBy('position').execute(),
  );
  return records.map((record) => {
    const body = JSON.parse(record.body) as UserBody;
    return {
      messageId: record.id as QueuedRow['messageId'],
      at: new Date(record.at).toISOString(),
      ...body,
    };
  });
}

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
