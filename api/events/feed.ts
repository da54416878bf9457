import type { SessionId } from '../../contracts/ids.ts';
import type { EventLog } from '../../journal/port.ts';
import { EncodedEvent } from './encoded.ts';

export interface Listener {
  /** Number of the last event that it has. */
  readonly after: number;
  take(events: readonly EncodedEvent[]): void;
  /** The feed broke: nothing more will come. */
  fail(error: unknown): void;
}

/** One reader of one session's log for all its listeners of this process. Lives while anybody listens. */
export class SessionFeed {
  readonly #listeners = new Set<Listener>();
  readonly #stop = new AbortController();
  readonly #onIdle: () => void;
  #position: number;

  constructor(log: EventLog, sessionId: SessionId, from: { after: number; onIdle: () => void }) {
    this.#position = from.after;
    this.#onIdle = from.onIdle;
    void this.#run(log, sessionId);
  }

  /** Everything up to this number was handed out. */
  get position(): number {
    return this.#position;
  }

  /** The listener must have everything up to `position`. @returns what takes it off again */
  join(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#end();
    };
  }

  async #run(log: EventLog, sessionId: SessionId): Promise<void> {
    const options = { after: this.#position, signal: this.#stop.signal };
    try {
      for await (const events of log.tail(sessionId, options)) this.#handOut(events);
    } catch (error) {
      for (const listener of this.#listeners) listener.fail(error);
    }
    this.#end();
  }

  #handOut(events: Parameters<typeof encode>[0]): void {
    const last = events.at(-1);
    if (!last) return;
    const encoded = encode(events);
    this.#position = last.seq;
    for (const listener of this.#listeners) give(listener, encoded);
  }

  #end(): void {
    this.#stop.abort();
    this.#onIdle();
  }
}

const encode = (events: readonly EncodedEvent['event'][]): EncodedEvent[] =>
  events.map((event) => new EncodedEvent(event));

/** One that joined ahead of the feed has the first ones already. */
function give(listener: Listener, events: readonly EncodedEvent[]): void {
  const fresh =
    (events[0]?.seq ?? 0) > listener.after
      ? events
      : events.filter(({ seq }) => seq > listener.after);
  if (fresh.length > 0) listener.take(fresh);
}
