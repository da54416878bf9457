import type { MessageId, SessionId } from '../../contracts/ids.ts';
import type { LiveStatus } from '../../contracts/session.ts';
import type { SessionRow } from '../../journal/port.ts';
import type { UserMessage } from '../../workflows/session/messages.ts';
import type { ApiDeps } from '../deps.ts';

/**
 * A worker that has let go of the session replays it to answer, so one in which a tool or a person takes its time is not asked at each
 * round. After a restoration this is how long such a one may wait, where nobody repeats its message.
 */
const ASK_AGAIN_MS = 10 * 60_000;
const REMEMBERED = 10_000;

/**
 * Tells sessions again of messages that the journal has and their workflow does not: Temporal's data was restored from before them. A
 * workflow that knows a message after all takes no notice.
 */
export class ForgottenMessages {
  readonly #deps: ApiDeps;
  /** When each session was last asked, oldest first. */
  readonly #asked = new Map<SessionId, number>();

  constructor(deps: ApiDeps) {
    this.#deps = deps;
  }

  /** @param row of a session that has an open run, and in which nothing has happened for a while */
  async remind(row: SessionRow): Promise<void> {
    const { sessionId, turn, queued } = row;
    if ((turn === null && queued === 0) || this.#askedOfLate(sessionId)) return;
    const live = await this.#deps.engine.status(sessionId).catch(() => undefined);
    if (!live) return;
    this.#remember(sessionId);
    const forgotten = await this.#forgotten(row, live);
    for (const message of forgotten) await this.#deps.engine.send(sessionId, message);
    if (forgotten.length > 0)
      this.#deps.log.warn(
        { sessionId, turn },
        'session told again of messages that it did not know',
      );
  }

  /** In the order in which they are to be answered. */
  async #forgotten(
    { sessionId, turn, queued }: SessionRow,
    live: LiveStatus,
  ): Promise<readonly UserMessage[]> {
    const { events } = this.#deps.journal;
    return [
      ...(turn !== null && turn !== live.turn ? await this.#opener(sessionId, turn) : []),
      ...(queued > live.queued ? await events.queued(sessionId) : []),
    ].map(({ messageId, content, policy }) => ({ messageId, content, policy }));
  }

  async #opener(sessionId: SessionId, messageId: MessageId): Promise<UserMessage[]> {
    const known = await this.#deps.journal.events.message(sessionId, messageId);
    if (known?.state !== 'accepted') return [];
    return [{ messageId, content: known.content, policy: 'enqueue' }];
  }

  #askedOfLate(sessionId: SessionId): boolean {
    return Date.now() - (this.#asked.get(sessionId) ?? -Infinity) < ASK_AGAIN_MS;
  }

  #remember(sessionId: SessionId): void {
    this.#asked.delete(sessionId);
    this.#asked.set(sessionId, Date.now());
    const oldest = this.#asked.keys().next().value;
    if (this.#asked.size > REMEMBERED && oldest) this.#asked.delete(oldest);
  }
}
