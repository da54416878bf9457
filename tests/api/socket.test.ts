// The WebSocket: pings, and refusals whose reason reaches the client.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { newSecret } from '../../api/auth/secret.ts';
import { createPerdureClient, PerdureError } from '../../client/index.ts';
import { newId } from '../../contracts/ids.ts';
import { writeFacts } from './support/facts.ts';
import { startFixture, type Fixture } from './support/fixture.ts';
import { overSocket } from './support/trpc.ts';

let product: Fixture;
beforeAll(async () => {
  product = await startFixture({
    settings: { api: { requireKey: true, maxConnectionsPerUser: 2 } },
  });
});
afterAll(() => product[Symbol.asyncDispose]());

const socketUrl = ({ url } = product) => `${url.replace('http', 'ws')}/trpc`;
const hello = (secret: string) =>
  JSON.stringify({ method: 'connectionParams', data: { authorization: `Bearer ${secret}` } });
const REQUEST = JSON.stringify({ id: 1, method: 'query', params: { path: 'system.info' } });

/** What a socket receives until it is closed. */
async function conversation(socket: WebSocket) {
  const received: string[] = [];
  socket.on('message', (data) => received.push((data as Buffer).toString()));
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  const answers = received.filter((text) => text !== 'PING').map((text) => JSON.parse(text));
  return { code, reason: reason.toString(), answers };
}

test('a WebSocket is pinged, and dropped when no pong comes', async () => {
  await using strict = await startFixture({
    settings: { timeouts: { socketPingMs: 300, socketPongMs: 200 } },
  });
  const socket = new WebSocket(socketUrl(strict));
  const [data] = (await once(socket, 'message')) as [Buffer];
  expect(data.toString()).toBe('PING');
  await once(socket, 'close');
});

test('a socket at another path, or with a name that only points here, is refused before the handshake', async () => {
  const refusal = async (socket: WebSocket) => {
    socket.on('error', () => {});
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    return response.statusCode;
  };
  const elsewhere = socketUrl().replace('/trpc', '/elsewhere');
  expect(await refusal(new WebSocket(elsewhere))).toBe(404);
  expect(await refusal(new WebSocket(socketUrl(), { headers: { host: 'evil.example' } }))).toBe(
    403,
  );
});

test('a refused socket answers the request that comes after the refusal, then closes with code and reason', async () => {
  const socket = new WebSocket(`${socketUrl()}?connectionParams=1`);
  await once(socket, 'open');
  const all = conversation(socket);
  socket.send(hello(newSecret()));
  // The refusal itself, which names no request: by now the server would have closed.
  await once(socket, 'message');
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.send(REQUEST);
  const { code, reason, answers } = await all;
  expect(answers.at(-1)).toMatchObject({ id: 1, error: { data: { code: 'unauthenticated' } } });
  expect([code, reason]).toEqual([
    4401,
    'unauthenticated: This key is malformed, unknown or revoked.',
  ]);
});

test('a refused socket answers the request that came before the refusal too', async () => {
  const socket = new WebSocket(`${socketUrl()}?connectionParams=1`);
  await once(socket, 'open');
  socket.send(hello(newSecret()));
  socket.send(REQUEST);
  const { code, answers } = await conversation(socket);
  expect(answers.at(-1)).toMatchObject({ id: 1, error: { data: { code: 'unauthenticated' } } });
  expect(code).toBe(4401);
});

test('a socket without a key is refused with the reason, and so is one too many', async () => {
  const without = new WebSocket(socketUrl());
  without.once('open', () => without.send(REQUEST));
  const { code, answers } = await conversation(without);
  expect(answers.at(-1)).toMatchObject({ id: 1, error: { data: { code: 'unauthenticated' } } });
  expect(code).toBe(4401);
  const busy = await product.key('acme', 'bob');
  using first = overSocket(product.url, busy);
  using second = overSocket(product.url, busy);
  for (const { trpc } of [first, second]) await trpc.system.info.query();
  using third = overSocket(product.url, busy);
  await expect(third.trpc.system.info.query()).rejects.toMatchObject({
    data: { code: 'too_many_connections', retryAfterMs: 5_000 },
  });
});

test('the SDK ends a refused subscription with the typed error', async () => {
  using stranger = createPerdureClient({ url: product.url, key: newSecret(), transport: 'ws' });
  const events = stranger.session(newId('ses')).events();
  const error = await Array.fromAsync(events).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(PerdureError);
  expect(error).toMatchObject({ code: 'unauthenticated' });
});

test.each(['sse', 'ws'] as const)(
  'the SDK over %s waits as long as too_many_connections says, then follows',
  async (transport) => {
    const user = await product.key('acme', `busy-${transport}`);
    using perdure = createPerdureClient({ url: product.url, key: user, transport });
    const { session } = await perdure.start();
    using one = overSocket(product.url, user);
    using two = overSocket(product.url, user);
    for (const { trpc } of [one, two]) await trpc.system.info.query();
    const asked: unknown[] = [];
    const events = session.events({
      retryDelay(_, error) {
        asked.push(error instanceof PerdureError ? [error.code, error.retryAfterMs] : error);
        one[Symbol.dispose]();
        two[Symbol.dispose]();
        return 20;
      },
    });
    await writeFacts(product, session.id, { count: 1, bytes: 10 });
    const { value } = await events.next();
    await events.return();
    expect(asked[0]).toEqual(['too_many_connections', 5_000]);
    expect(value?.seq).toBe(1);
  },
);
