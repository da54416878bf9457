/** tRPC's own clients against the fixture, one a transport. */
import {
  createTRPCClient,
  createWSClient,
  httpLink,
  httpSubscriptionLink,
  splitLink,
  wsLink,
  type TRPCClient,
} from '@trpc/client';
import { EventSource } from 'eventsource';
import { WebSocket } from 'ws';
import type { AppRouter } from '../../../api/router.ts';

export type Trpc = TRPCClient<AppRouter>;

const bearer = (key: string | undefined): Record<string, string> =>
  key === undefined ? {} : { authorization: `Bearer ${key}` };

export function overHttp(url: string, key?: string): Trpc {
  const options = { url: `${url}/trpc` };
  return createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: ({ type }) => type === 'subscription',
        true: httpSubscriptionLink({
          ...options,
          EventSource: EventSource as never,
          connectionParams: bearer(key),
        }),
        false: httpLink({ ...options, headers: bearer(key) }),
      }),
    ],
  });
}

export interface OverSocket extends Disposable {
  readonly trpc: Trpc;
  /** Cuts the connection as a network would; the client connects again by itself. */
  cut(): void;
}

export function overSocket(url: string, key?: string): OverSocket {
  const open = new Set<WebSocket>();
  class Watched extends WebSocket {
    constructor(address: string) {
      super(address);
      open.add(this);
      this.on('close', () => open.delete(this));
    }
  }
  const client = createWSClient({
    url: `${url.replace('http', 'ws')}/trpc`,
    WebSocket: Watched as never,
    connectionParams: key === undefined ? null : bearer(key),
    retryDelayMs: () => 20,
  });
  return {
    trpc: createTRPCClient<AppRouter>({ links: [wsLink({ client })] }),
    cut: () => open.forEach((socket) => socket.terminate()),
    [Symbol.dispose]: () => void client.close(),
  };
}
