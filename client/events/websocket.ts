/** Events over the API's WebSocket (tRPC): one socket for all sessions of a client. */
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client';
import type { AppRouter } from '../../api/router.ts';
import type { PerdureEvent } from '../../contracts/events.ts';
import { TIME_LIMITS } from '../../contracts/limits.ts';
import { authorization } from '../connection.ts';
import type { Connection } from '../connection.ts';
import { NetworkError } from '../errors.ts';
import { trpcError } from '../trpc.ts';
import type { EventRequest, EventTransport } from './transport.ts';

type Subscribe = (request: EventRequest, sink: Sink) => { unsubscribe(): void };

interface Sink {
  event(event: PerdureEvent): void;
  /** Without an error where the server ended the subscription in an orderly way. */
  end(error?: unknown): void;
}

/**
 * The socket opens with the first subscription and closes with the last. When it breaks, tRPC would open it again and resume; here every
 * subscription ends instead, so that one piece of code, `resumed`, decides for all transports when to come back and from where.
 */
export function websocketTransport(connection: Connection): {
  transport: EventTransport;
  close: () => void;
} {
  const broken = new EventTarget();
  const socket = createWSClient({
    url: `${connection.base.replace(/^http/, 'ws')}/trpc`,
    connectionParams: () => authorization(connection),
    lazy: { enabled: true, closeMs: 0 },
    keepAlive: {
      enabled: true,
      intervalMs: TIME_LIMITS.socketPingMs,
      pongTimeoutMs: TIME_LIMITS.socketPongMs,
    },
    onClose: () => broken.dispatchEvent(new Event('closed')),
    onError: () => broken.dispatchEvent(new Event('closed')),
  });
  const trpc = createTRPCClient<AppRouter>({ links: [wsLink<AppRouter>({ client: socket })] });
  const subscribe: Subscribe = ({ sessionId, after, onOpen }, sink) =>
    trpc.session.events.subscribe(
      { sessionId, after },
      {
        onStarted: () => onOpen?.(),
        onData: ({ data }) => sink.event(data),
        onComplete: () => sink.end(),
        onStopped: () => sink.end(),
        onError: (error) => sink.end(trpcError(error, connection.base)),
      },
    );
  const lost = () => new NetworkError('cut', `the socket to ${connection.base} was closed`);
  return {
    transport: (request) => pulled(request, { subscribe, broken, lost }),
    close: () => void socket.close(),
  };
}

interface Socket {
  readonly subscribe: Subscribe;
  readonly broken: EventTarget;
  readonly lost: () => NetworkError;
}

/** What is pushed, for a reader who pulls. */
async function* pulled(
  request: EventRequest,
  { subscribe, broken, lost }: Socket,
): AsyncIterable<PerdureEvent> {
  let waiting: PerdureEvent[] = [];
  let ending: { error?: unknown } | undefined;
  let wake = () => {};
  const end = (error?: unknown) => {
    ending ??= error === undefined ? {} : { error };
    wake();
  };
  const onBroken = () => end(lost());
  const onAbort = () => end();
  const event = (event: PerdureEvent) => {
    waiting.push(event);
    wake();
  };
  broken.addEventListener('closed', onBroken);
  request.signal.addEventListener('abort', onAbort);
  const subscription = subscribe(request, { event, end });
  try {
    for (;;) {
      const taken = waiting;
      waiting = [];
      yield* taken;
      if (waiting.length > 0) continue;
      if (ending) break;
      await new Promise<void>((resolve) => (wake = resolve));
    }
    if (ending.error !== undefined) throw ending.error;
  } finally {
    broken.removeEventListener('closed', onBroken);
    request.signal.removeEventListener('abort', onAbort);
    subscription.unsubscribe();
  }
}
