// Clients that leave while their stream is being set up: their place is free again at once, not when the stream would have been old.
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { eventually, startFixture, type Fixture } from './support/fixture.ts';
import { streamUrl } from './support/raw-stream.ts';

let product: Fixture;
/** The journal's read of a stream's first page waits here. */
let reached = Promise.withResolvers<void>();
let gate = Promise.withResolvers<void>();
beforeAll(async () => {
  product = await startFixture({
    wrap: (journal) => ({
      ...journal,
      events: {
        ...journal.events,
        async read(...args) {
          reached.resolve();
          await gate.promise;
          return journal.events.read(...args);
        },
        tail: (...args) => journal.events.tail(...args),
      },
    }),
  });
});
afterAll(() => product[Symbol.asyncDispose]());
beforeEach(() => {
  reached = Promise.withResolvers();
  gate = Promise.withResolvers();
});

/** Returns when the server has begun to set the stream up; then leaves. */
type Leave = (sessionId: string) => Promise<void>;

const overHttp =
  (kind: Parameters<typeof streamUrl>[0]): Leave =>
  async (sessionId) => {
    const { hostname, port, pathname, search } = new URL(
      streamUrl(kind, product.url, { sessionId }),
    );
    const socket = connect(Number(port), hostname);
    socket.write(
      `GET ${pathname}${search} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`,
    );
    await reached.promise;
    socket.resetAndDestroy();
    await once(socket, 'close');
  };

async function subscribed(sessionId: string): Promise<WebSocket> {
  const socket = new WebSocket(`${product.url.replace('http', 'ws')}/trpc`);
  await once(socket, 'open');
  const params = { path: 'session.events', input: { sessionId } };
  socket.send(JSON.stringify({ id: 1, method: 'subscription', params }));
  await reached.promise;
  return socket;
}

const overWebSocket: Leave = async (sessionId) => {
  const socket = await subscribed(sessionId);
  socket.terminate();
  await once(socket, 'close');
};

test.each<[name: string, leave: Leave]>([
  ['plain SSE', overHttp('plain SSE')],
  ['tRPC over SSE', overHttp('tRPC over SSE')],
  ['tRPC over a WebSocket', overWebSocket],
])('over %s, a client that leaves during the set-up keeps no place', async (_, leave) => {
  const { sessionId } = (await product.send('POST', '/api/sessions', { body: {} })).body;
  await leave(sessionId);
  // By an answer to a later request the server has seen that the client is gone.
  await product.send('GET', '/healthz');
  gate.resolve();
  await product.send('GET', `/api/sessions/${sessionId}/events`);
  expect(await product.registry.metrics()).toMatch(/perdure_open_streams 0\n/);
});

test('over a WebSocket that stays open, a subscription that is stopped during its set-up keeps no place', async () => {
  const { sessionId } = (await product.send('POST', '/api/sessions', { body: {} })).body;
  const socket = await subscribed(sessionId);
  const answers: string[] = [];
  socket.on('message', (data) => answers.push((data as Buffer).toString()));
  const answered = (text: string) =>
    eventually(
      async () => answers.some((answer) => answer.includes(text)),
      (there) => there,
    );
  const query = { id: 2, method: 'query', params: { path: 'system.info' } };
  for (const message of [{ id: 1, method: 'subscription.stop' }, query])
    socket.send(JSON.stringify(message));
  // Answered after the stop was read.
  await answered('{"id":2');
  gate.resolve();
  await answered('{"id":1,"result":{"type":"stopped"}}');
  // The socket's own place.
  expect(await product.registry.metrics()).toMatch(/perdure_open_streams 1\n/);
  socket.close();
  await once(socket, 'close');
});
