/** Many connections as one stream: each event once, in order, whatever breaks in between. */
import type { PerdureEvent } from '../../contracts/events.ts';
import type { SessionId } from '../../contracts/ids.ts';
import { pause, retryDelayMs } from '../backoff.ts';
import { isTransient, NetworkError } from '../errors.ts';
import type { EventTransport } from './transport.ts';

/** What a person may want to see of the connection. */
export type ConnectionNotice =
  | {
      readonly type: 'lost';
      readonly error: Error;
      /** In a row. */
      readonly failures: number;
      readonly retryInMs: number;
    }
  | { readonly type: 'resumed' };

export interface ReconnectOptions {
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal | undefined;
  /** Called when the connection is lost and when it is back; an orderly close by the server is not worth a notice. */
  readonly onConnection?: ((notice: ConnectionNotice) => void) | undefined;
  /** Another wait before the next connection than `retryDelayMs`, milliseconds. */
  readonly retryDelay?: ((failures: number, error?: unknown) => number) | undefined;
}

export interface FollowOptions extends ReconnectOptions {
  /** Number of the last event already seen; 0 (the default) gives the whole log. */
  readonly after?: number | undefined;
}

/**
 * Every event after `after`, in the order of the numbers, each once; goes on until `signal` aborts or the caller stops. Numbers may
 * have holes: pruned deltas.
 * @throws {PerdureError} an answer that repeating will not change (`not_found`, `unauthenticated`, `cursor_expired` …)
 * @throws {NetworkError} `protocol` where what answers is not a Perdure API, or sends events out of order
 */
export async function* resumed(
  transport: EventTransport,
  sessionId: SessionId,
  { after = 0, ...options }: FollowOptions = {},
): AsyncGenerator<PerdureEvent, void, undefined> {
  let last = after;
  const connect = (signal: AbortSignal, onOpen: () => void) =>
    inOrder(transport({ sessionId, after: last, signal, onOpen }));
  for await (const event of reconnecting(connect, options)) {
    if (event.seq <= last) continue;
    last = event.seq;
    yield event;
  }
}

/** What one connection after the other gives. `connect` opens one and says by `onOpen` that it stands. */
export async function* reconnecting<T>(
  connect: (signal: AbortSignal, onOpen: () => void) => AsyncIterable<T>,
  { signal: outer, onConnection, retryDelay = retryDelayMs }: ReconnectOptions,
): AsyncGenerator<T, void, undefined> {
  const signal = outer ?? new AbortController().signal;
  let lost = 0;
  let fruitless = 0;
  const onOpen = () => {
    if (lost > 0) onConnection?.({ type: 'resumed' });
    lost = 0;
  };
  while (!signal.aborted) {
    try {
      fruitless += 1;
      for await (const item of connect(signal, onOpen)) {
        fruitless = 0;
        yield item;
      }
      // Closed in an orderly way: after 15 min, or by a server that shuts down and would close the next one too.
      if (fruitless > 0) await pause(retryDelay(fruitless), signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!isTransient(error)) throw error;
      lost += 1;
      const retryInMs = retryDelay(Math.max(1, fruitless), error);
      onConnection?.({ type: 'lost', error, failures: lost, retryInMs });
      await pause(retryInMs, signal);
    }
  }
}

/** Within a connection numbers rise. Going on after a step back could skip an event for ever, so it is an error. */
async function* inOrder(events: AsyncIterable<PerdureEvent>): AsyncIterable<PerdureEvent> {
  let last = 0;
  for await (const event of events) {
    if (!Number.isSafeInteger(event.seq) || event.seq < last) {
      throw new NetworkError('protocol', `event ${event.seq} came after event ${last}`);
    }
    last = event.seq;
    yield event;
  }
}
