import type { Part } from '../../contracts/content.ts';
import type { MessageId, SessionId } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { EventLog } from '../../journal/port.ts';
import { digestOf } from './digest.ts';

const REMEMBERED = 10_000;

/** Tells a repeated message from another one under the same id. The journal knows those that a session has taken in; the rest is remembered. */
export class MessagesSent {
  readonly #log: EventLog;
  readonly #digests = new Map<MessageId, string>();

  constructor(log: EventLog) {
    this.#log = log;
  }

  /** Digest of the message as the session has it; undefined where it has none. */
  async recorded(sessionId: SessionId, messageId: MessageId): Promise<string | undefined> {
    const content = await this.#log.message(sessionId, messageId);
    return content && digestOf(content);
  }

  /**
   * @param recorded what {@link recorded} answered
   * @returns true where the session has taken this very message in
   * @throws idempotency_conflict where it is another one
   */
  isRepeat(
    { messageId, content }: { messageId: MessageId; content: readonly Part[] },
    recorded: string | undefined,
  ): boolean {
    const digest = digestOf(content);
    const known = recorded ?? this.#digests.get(messageId);
    if (known !== undefined && known !== digest)
      throw new PerdureError(
        'idempotency_conflict',
        `${messageId} was used for a different message in this session.`,
        { field: 'messageId' },
      );
    this.#remember(messageId, digest);
    return recorded !== undefined;
  }

  #remember(messageId: MessageId, digest: string): void {
    this.#digests.set(messageId, digest);
    if (this.#digests.size <= REMEMBERED) return;
    const oldest = this.#digests.keys().next().value;
    if (oldest) this.#digests.delete(oldest);
  }
}
