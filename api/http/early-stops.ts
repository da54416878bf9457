/**
 * tRPC's WebSocket adapter forgets a `subscription.stop` that comes while its subscription is still being set up (seen, 11.22.1): events
 * would go to a client that wants none, and keep their place among the open streams until the socket closes. Such a stop is said again here
 * as soon as the subscription has started.
 */
import { jsonEncoder, type Encoder } from '@trpc/server/adapters/ws';

interface Message {
  readonly id?: unknown;
  readonly method?: unknown;
  readonly result?: { readonly type?: unknown };
  readonly error?: unknown;
}

/** What one socket's adapter reads and writes passes through here. @param stopAgain hands a frame to the adapter once more */
export function rememberingStops(stopAgain: (frame: string) => void): Encoder {
  const starting = new Starting();
  return {
    decode(data) {
      const frame = jsonEncoder.decode(data);
      starting.heard([frame].flat().filter(isMessage));
      return frame;
    },
    encode(message) {
      const { id } = message as Message;
      if (starting.answered(message as Message))
        // Once the start is sent.
        setImmediate(() => stopAgain(JSON.stringify({ id, method: 'subscription.stop' })));
      return jsonEncoder.encode(message);
    },
  };
}

const isMessage = (value: unknown): value is Message => typeof value === 'object' && value !== null;

class Starting {
  /** Whether each was stopped meanwhile. As many as are being set up: each is answered. */
  readonly #stopped = new Map<unknown, boolean>();
  /** Of the last frame. */
  #begun: unknown[] = [];

  heard(messages: readonly Message[]): void {
    this.#begun = messages.filter(({ method }) => method === 'subscription').map(({ id }) => id);
    for (const id of this.#begun) this.#stopped.set(id, false);
    for (const { id, method } of messages)
      if (method === 'subscription.stop' && this.#stopped.has(id)) this.#stopped.set(id, true);
  }

  /** @returns true where a subscription has started that was stopped before */
  answered({ id, result, error }: Message): boolean {
    // A frame in which anything is malformed is refused whole, at once and without an id.
    if (id === null) for (const refused of this.#begun) this.#stopped.delete(refused);
    if (error === undefined && result?.type !== 'started') return false;
    const stopped = error === undefined && this.#stopped.get(id) === true;
    this.#stopped.delete(id);
    return stopped;
  }
}
