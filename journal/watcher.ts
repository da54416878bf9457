/** One tail's place in the hub: a bounded buffer between commits and a consumer that may be slow. */
import type { PerdureEvent } from '../contracts/events.ts';

/** Events; a consumer that is further behind reads them from the database when it is ready for them. */
const MAX_BUFFERED = 1_000;

export class Watcher implements Disposable {
  /** True where the consumer has to read from the database before it can go on with the buffer. */
  behind = true;
  #buffer: PerdureEvent[] = [];
  #wake: () => void = () => {};
  readonly #leave: () => void;

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  deliver(events: readonly PerdureEvent[]): void {
    if (this.behind) return;
    if (this.#buffer.length + events.length > MAX_BUFFERED) {
      this.#buffer = [];
      this.behind = true;
    } else {
      this.#buffer.push(...events);
    }
    this.#wake();
  }

  /** Empties the buffer. */
  take(): PerdureEvent[] {
    const taken = this.#buffer;
    this.#buffer = [];
    return taken;
  }

  /** Until there is something to take, or to read, or `wake` is called. */
  async news(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
    this.#wake = () => {};
  }

  wake(): void {
    this.#wake();
  }

  [Symbol.dispose](): void {
    this.#leave();
  }
}
