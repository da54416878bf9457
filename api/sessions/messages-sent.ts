import type { Part } from '../../contracts/content.ts';
import type { MessageId, SessionId } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { EventLog, KnownMessage } from '../../journal/port.ts';
import { digestOf } from './digest.ts';

const REMEMBERED = 10_000;

export interface Sending {
  readonly sessionId: SessionId;
  readonly messageId: MessageId;
  /** Of its content. */
  readonly digest: string;
}

/** Tells a repeated message from another one under the same id. The journal knows those that a session has taken in; the rest is remembered. */
export class MessagesSent {
  readonly #log: EventLog;
  readonly #digests = new Map<string, string>();

  constructor(log: EventLog) {
    this.#log = log;
  }

  /** The message as the session has it; undefined where it has none. */
  recorded(sessionId: SessionId, messageId: MessageId): Promise<KnownMessage | undefined> {
    return this.#log.message(sessionId, messageId);
  }

  /**
   * @param recorded what {@link recorded} answered
   * @throws idempotency_conflict where the id stands for another message in this session; not_found where that was removed from the queue
   */
  refuseAnother(
    { sessionId, messageId, digest }: Sending,
    recorded: KnownMessage | undefined,
  ): void {
    if (recorded?.state === 'removed') throw removed(messageId);
    const known = recorded
      ? digestOf(recorded.content)
      : this.#digests.get(keyOf(sessionId, messageId));
    if (known !== undefined && known !== digest) throw conflict(messageId);
  }

  /** What the sender is told whose message another process overtook: the session has taken in `content` under its id, which is not what was sent. */
  overtaken(
    sessionId: SessionId,
    messageId: MessageId,
    content: readonly Part[],
  ): PerdureError | undefined {
    const sent = this.#digests.get(keyOf(sessionId, messageId));
    return sent === undefined || sent === digestOf(content) ? undefined : conflict(messageId);
  }

  remember({ sessionId, messageId, digest }: Sending): void {
    this.#digests.set(keyOf(sessionId, messageId), digest);
    if (this.#digests.size <= REMEMBERED) return;
    const oldest = this.#digests.keys().next().value;
    if (oldest) this.#digests.delete(oldest);
  }
}

const conflict = (messageId: MessageId): PerdureError =>
  new PerdureError(
    'idempotency_conflict',
    `${messageId} was used for a different message in this session.`,
    { field: 'messageId' },
  );

const removed = (messageId: MessageId): PerdureError =>
  new PerdureError(
    'not_found',
    `${messageId} was removed from the queue: send the message under an id of its own.`,
    { field: 'messageId' },
  );

/** Joined, not a template: V8 keeps that as a tree of its pieces, and each with the text it was cut from, such as a request's URL. */
const keyOf = (sessionId: SessionId, messageId: MessageId): string =>
  [sessionId, messageId].join('/');
