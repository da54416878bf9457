/** The API's WebSocket (tRPC): one for all subscriptions of a client. */
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client';
import type { AppRouter } from '../api/router.ts';
import { TIME_LIMITS } from '../contracts/limits.ts';
import { authorization } from './connection.ts';
import type { Connection } from './connection.ts';
import { describedError, NetworkError } from './errors.ts';
import { trpcError } from './trpc.ts';
import type { Trpc } from './trpc.ts';

/** What tRPC calls back; `onOpen` and `signal` are the reader's own. */
interface Callbacks<T> {
  onStarted(): void;
  onData(data: T): void;
  onComplete(): void;
  onStopped(): void;
  onError(error: unknown): void;
}

type Subscribe<T> = (trpc: Trpc, callbacks: Callbacks<T>) => { unsubscribe(): void };

export interface Socket {
  /**
   * What a subscription sends, until the server or the socket closes. When the socket breaks, tRPC would open it again and resume; here every
   * subscription ends with a {@link NetworkError} instead, so that one piece of code, `reconnecting`, decides when to come back and from where.
   */
  subscription<T>(
    subscribe: Subscribe<T>,
    reader: { readonly signal: AbortSignal; readonly onOpen?: (() => void) | undefined },
  ): AsyncIterable<T>;
  close(): void;
}

/** The socket opens with the first subscription and closes with the last. */
export function createSocket(connection: Connection): Socket {
  const broken = new EventTarget();
  const announce = (cause?: Closed) => {
    const error =
      refusalIn(cause) ?? new NetworkError('cut', `the socket to ${connection.base} was closed`);
    broken.dispatchEvent(new CustomEvent('closed', { detail: error }));
  };
  const socket = createWSClient({
    url: `${connection.base.replace(/^http/, 'ws')}/trpc`,
    connectionParams: () => authorization(connection),
    lazy: { enabled: true, closeMs: 0 },
    keepAlive: {
      enabled: true,
      intervalMs: TIME_LIMITS.socketPingMs,
      pongTimeoutMs: TIME_LIMITS.socketPongMs,
    },
    onClose: announce,
    onError: () => announce(),
  });
  const trpc = createTRPCClient<AppRouter>({ links: [wsLink<AppRouter>({ client: socket })] });
  return {
    close: () => void socket.close(),
    async *subscription(subscribe, { signal, onOpen }) {
      const inbox = createInbox<Parameters<Parameters<typeof subscribe>[1]['onData']>[0]>();
      const onBroken = (event: Event) => inbox.end((event as CustomEvent<Error>).detail);
      const onAbort = () => inbox.end();
      broken.addEventListener('closed', onBroken);
      signal.addEventListener('abort', onAbort);
      const subscription = subscribe(trpc, {
        onStarted: () => onOpen?.(),
        onData: (item) => inbox.put(item),
        onComplete: onAbort,
        onStopped: onAbort,
        onError: (error) => inbox.end(trpcError(error, connection.base)),
      });
      try {
        yield* inbox.items();
      } finally {
        broken.removeEventListener('closed', onBroken);
        signal.removeEventListener('abort', onAbort);
        subscription.unsubscribe();
      }
    },
  };
}

interface Closed {
  readonly code?: number | undefined;
  readonly reason?: string | undefined;
}

/** A server that refuses a socket closes it with 4000 + the HTTP status and `code: message`. */
function refusalIn({ code = 0, reason = '' }: Closed = {}): Error | undefined {
  if (code < 4_400 || code > 4_599) return undefined;
  const [, name, detail] = /^(\w+): (.*)$/s.exec(reason) ?? [];
  return describedError({ code: name, detail });
}

interface Inbox<T> {
  put(item: T): void;
  /** Without an error where the end is an orderly one. What came before is still read. */
  end(error?: unknown): void;
  items(): AsyncIterable<T>;
}

/** What is pushed, for a reader who pulls. */
function createInbox<T>(): Inbox<T> {
  let waiting: T[] = [];
  let ending: { error?: unknown } | undefined;
  let wake = () => {};
  return {
    put(item) {
      waiting.push(item);
      wake();
    },
    end(error) {
      ending ??= error === undefined ? {} : { error };
      wake();
    },
    async *items() {
      for (;;) {
        const taken = waiting;
        waiting = [];
        yield* taken;
        if (waiting.length > 0) continue;
        if (ending) break;
        await new Promise<void>((resolve) => (wake = resolve));
      }
      if (ending.error !== undefined) throw ending.error;
    },
  };
}
