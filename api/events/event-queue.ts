import type { EncodedEvent } from './encoded.ts';
import type { Sink } from './feeds.ts';

/** Between a feed, which pushes, and a subscription, which pulls: holds a bounded number of bytes. */
export class EventQueue implements Sink {
  readonly #limit: number;
  readonly #onOverflow: () => void;
  #events: EncodedEvent[] = [];
  #bytes = 0;
  #overflowed = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  constructor(limit: number, onOverflow: () => void) {
    this.#limit = limit;
    this.#onOverflow = onOverflow;
  }

  write(events: readonly EncodedEvent[], phase: 'backlog' | 'live'): void {
    if (this.#overflowed) return;
    // Before adding: a burst is no sign of a slow client, what is left of earlier ones is.
    if (phase === 'live' && this.#bytes > this.#limit) return this.#overflow();
    for (const event of events) {
      this.#events.push(event);
      this.#bytes += event.json.length;
    }
    this.#wakeReader?.();
  }

  /** A page of backlog is taken in only when the one before was read. */
  async ready(): Promise<void> {
    while (this.#events.length > 0)
      await new Promise<void>((resolve) => (this.#wakeWriter = resolve));
  }

  /** What has come, at once or when something comes; empty when woken by {@link wake}. */
  async take(): Promise<readonly EncodedEvent[]> {
    if (this.#events.length === 0)
      await new Promise<void>((resolve) => (this.#wakeReader = resolve));
    this.#wakeReader = undefined;
    const taken = this.#events;
    this.#events = [];
    this.#bytes = 0;
    this.#wakeWriter?.();
    return taken;
  }

  wake(): void {
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }

  /** Live events came faster than they were read. */
  #overflow(): void {
    this.#overflowed = true;
    this.#onOverflow();
  }
}
