/** A client of Perdure as light as can be: REST to send, one plain SSE stream to listen. */
import type { PerdureEvent } from '../../contracts/events.ts';
import { newId } from '../../contracts/ids.ts';
import type { MessageId, SessionId } from '../../contracts/ids.ts';
import { clock } from '../model/script.ts';
import type { SessionDriver, TurnTimes } from './driver.ts';
import { callJson, openFeed } from './http.ts';
import type { Feed } from './http.ts';

export interface OpenSession extends SessionDriver {
  readonly sessionId: SessionId;
  /** Sends without waiting for the turn; resolves with the acknowledgement. */
  send(text: string): Promise<MessageId>;
  /** Resolves when the turn that this message opened has settled. */
  settled(messageId: MessageId): Promise<void>;
  unsubscribe(): void;
}

export type Listener = (event: PerdureEvent, receivedAt: number) => void;

interface Waiting {
  readonly sentAt: number;
  firstAt: number;
  resolve: (times: TurnTimes) => void;
  reject: (error: Error) => void;
}

/** What a session is started with. */
export type Start = Readonly<Record<string, unknown>>;

export const createSession = async (baseUrl: string, start: Start = {}): Promise<SessionId> =>
  (await callJson<{ sessionId: SessionId }>('POST', `${baseUrl}/api/sessions`, start)).sessionId;

export const subscribe = (
  baseUrl: string,
  sessionId: SessionId,
  listener: Listener,
): Promise<Feed> =>
  openFeed(`${baseUrl}/api/sessions/${sessionId}/events`, (data) => {
    const receivedAt = clock();
    listener(JSON.parse(data) as PerdureEvent, receivedAt);
  });

export const stopSession = (baseUrl: string, sessionId: SessionId): Promise<unknown> =>
  callJson('POST', `${baseUrl}/api/sessions/${sessionId}/stop`, {});

/** A new session with a stream attached to it. `listener` sees every event as well. */
export async function openSession(
  baseUrl: string,
  listener?: Listener,
  start?: Start,
): Promise<OpenSession> {
  const sessionId = await createSession(baseUrl, start);
  const waiting = new Map<MessageId, Waiting>();
  const feed = await subscribe(baseUrl, sessionId, (event, at) => {
    listener?.(event, at);
    follow(waiting, event, at);
  });
  const post = async (messageId: MessageId, content: string) => {
    await callJson('POST', `${baseUrl}/api/sessions/${sessionId}/messages`, { content, messageId });
  };
  const awaited = (messageId: MessageId) =>
    new Promise<TurnTimes>((resolve, reject) =>
      waiting.set(messageId, { sentAt: clock(), firstAt: 0, resolve, reject }),
    );
  const pending = new Map<MessageId, Promise<TurnTimes>>();
  return {
    sessionId,
    workflowId: sessionId,
    turn: async (text) => {
      const messageId = newId('msg');
      const times = awaited(messageId);
      await post(messageId, text);
      return times;
    },
    send: async (text) => {
      const messageId = newId('msg');
      pending.set(messageId, awaited(messageId));
      await post(messageId, text);
      return messageId;
    },
    settled: async (messageId) => void (await pending.get(messageId)),
    unsubscribe: () => feed.close(),
    stop: async () => {
      await stopSession(baseUrl, sessionId);
      feed.close();
    },
  };
}

function follow(waiting: Map<MessageId, Waiting>, event: PerdureEvent, at: number): void {
  const turn = event.turn && waiting.get(event.turn);
  if (!turn || !event.turn) return;
  if (event.type === 'content.delta') turn.firstAt ||= at;
  if (event.type !== 'turn.settled') return;
  waiting.delete(event.turn);
  if (event.data.outcome === 'completed')
    turn.resolve({ firstMs: turn.firstAt - turn.sentAt, doneMs: at - turn.sentAt });
  else
    turn.reject(new Error(`the turn ended ${event.data.outcome}: ${JSON.stringify(event.data)}`));
}
