// A small real HTTP server that serves a given event log as the API does, and breaks connections where it is told to.
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PerdureEvent } from '../../contracts/events.ts';

/** What becomes of one request: the connection is cut after so many bytes, or it is answered by something else. */
export type Fate =
  | { readonly cutAfter: number }
  | { readonly close: 'orderly' }
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body: string };

export interface EventServer extends AsyncDisposable {
  readonly url: string;
  /** `after` of each request so far. */
  readonly asked: readonly number[];
}

const ENDLESS: Fate = { cutAfter: Number.POSITIVE_INFINITY };

/** @param fates of the first requests under one address, in order; later ones stay open once they have sent everything */
export async function serveEvents(
  log: readonly PerdureEvent[],
  fates: readonly Fate[] | ((address: string) => readonly Fate[]) = [],
): Promise<EventServer> {
  const asked: number[] = [];
  const left = new Map<string, Fate[]>();
  /** The server answers under any address: `/a/api/…` and `/b/api/…` have fates of their own. */
  const fateOf = ({ url = '' }: IncomingMessage): Fate => {
    const address = url.slice(0, url.indexOf('/api/'));
    const ahead = left.get(address) ?? [...(typeof fates === 'function' ? fates(address) : fates)];
    left.set(address, ahead);
    return ahead.shift() ?? ENDLESS;
  };
  const server = createServer((request, response) => {
    const after = cursorOf(request);
    asked.push(after);
    const fate = fateOf(request);
    if ('status' in fate) {
      response.writeHead(fate.status, {
        'content-type': 'application/problem+json',
        ...fate.headers,
      });
      response.end(fate.body);
      return;
    }
    const missing = log.filter((event) => event.seq > after);
    if (request.headers.accept === 'text/event-stream') stream(response, missing, fate);
    else page(response, missing, after);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const cursorOf = (request: IncomingMessage): number =>
  Number(
    request.headers['last-event-id'] ??
      new URL(request.url!, 'http://test').searchParams.get('after'),
  );

const frame = (event: PerdureEvent) =>
  `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** The bytes of the whole answer's body, pings included: what tests cut. */
export const streamBytes = (log: readonly PerdureEvent[]): Buffer =>
  Buffer.from(`: ping\n\n${log.map(frame).join(': ping\n\n')}`);

function stream(
  response: ServerResponse,
  missing: readonly PerdureEvent[],
  fate: Exclude<Fate, { status: number }>,
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const bytes = streamBytes(missing);
  if ('close' in fate) response.end(bytes);
  else if (fate.cutAfter > bytes.length) response.write(bytes);
  else {
    response.flushHeaders();
    response.write(bytes.subarray(0, fate.cutAfter), () => response.socket?.destroy());
  }
}

const PAGE = 3;

function page(response: ServerResponse, missing: readonly PerdureEvent[], after: number): void {
  const events = missing.slice(0, PAGE);
  const to = events.at(-1)?.seq ?? after;
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ events, from: after + 1, to, nextAfter: to }));
}
