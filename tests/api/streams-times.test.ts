// The time limits of streams, taken from the settings, with small values.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeFacts, loggedNumbers } from './support/facts.ts';
import { startFixture, type Fixture } from './support/fixture.ts';
import { openStream, readMessages, streamUrl } from './support/raw-stream.ts';
import { overHttp } from './support/trpc.ts';

const PING_MS = 100;
const RECONNECT_MS = 70;
let product: Fixture;
beforeAll(async () => {
  product = await startFixture({
    settings: {
      timeouts: { ssePingMs: PING_MS, sseMaxAgeMs: 1_500, socketReconnectMs: RECONNECT_MS },
    },
  });
});
afterAll(() => product[Symbol.asyncDispose]());

const newSession = async () =>
  (await product.send('POST', '/api/sessions', { body: {} })).body.sessionId;

test('a quiet tRPC subscription is pinged as often as the settings say, and ended at its age without an error', async () => {
  const sessionId = await newSession();
  const url = streamUrl('tRPC over SSE', product.url, { sessionId });
  const messages = await Array.fromAsync(readMessages(await openStream(url)));
  const kinds = messages.map(({ event }) => event);
  expect(kinds[0]).toBe('connected');
  expect(JSON.parse(messages[0]!.data)).toEqual({ reconnectAfterInactivityMs: 2.5 * PING_MS });
  expect(kinds).toContain('ping');
  // "return" would tell tRPC's client that this is all.
  expect(new Set(kinds)).toEqual(new Set(['connected', 'message', 'ping']));
});

test('a quiet plain stream is pinged as often as the settings say, and ended at its age with an id to resume from', async () => {
  const sessionId = await newSession();
  const stream = async (after: number) => {
    const url = streamUrl('plain SSE', product.url, { sessionId, after });
    return (await Array.fromAsync((await openStream(url)).setEncoding('utf8'))).join('');
  };
  const first = await stream(0);
  expect(first).toContain('\n\n: ping\n\n');
  const last = Number(/^id: (\d+)$/m.exec(first)?.[1]);
  await writeFacts(product, sessionId, { count: 1, bytes: 10 });
  expect(await stream(last)).toMatch(new RegExp(`^id: ${last + 1}$`, 'm'));
});

test.each(['plain SSE', 'tRPC over SSE'] as const)(
  '%s says first when to connect again',
  async (kind) => {
    const url = streamUrl(kind, product.url, { sessionId: await newSession() });
    const [first] = await Array.fromAsync((await openStream(url)).setEncoding('utf8'));
    expect(first).toMatch(new RegExp(`^retry: ${RECONNECT_MS}\n\n`));
  },
);

test('a tRPC subscription that is ended at its age is resumed by its client: no event lost, none twice', async () => {
  // No pings: a client that is told to expect them often connects anew, over and over, where connecting takes it longer.
  const timeouts = { ssePingMs: 60_000, sseMaxAgeMs: 500, socketReconnectMs: RECONNECT_MS };
  await using product = await startFixture({ settings: { timeouts } });
  const { sessionId } = (await product.send('POST', '/api/sessions', { body: {} })).body;
  let started = 0;
  const got: number[] = [];
  const failures: unknown[] = [];
  const subscription = overHttp(product.url).session.events.subscribe(
    { sessionId },
    {
      onStarted: () => (started += 1),
      onData: ({ data }) => got.push(data.seq),
      onError: (error) => failures.push(error),
    },
  );
  while (started < 3 && failures.length === 0) {
    await writeFacts(product, sessionId, { count: 3, bytes: 100 });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const expected = await loggedNumbers(product, sessionId);
  await expect.poll(() => got.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(expected.length);
  subscription.unsubscribe();
  expect(failures).toEqual([]);
  expect(got).toEqual(expected);
}, 60_000);

test('each server of a process has its own times', async () => {
  await using other = await startFixture({ settings: { timeouts: { ssePingMs: 7_000 } } });
  const { sessionId } = (await other.send('POST', '/api/sessions', { body: {} })).body;
  const response = await openStream(streamUrl('tRPC over SSE', other.url, { sessionId }));
  for await (const { event, data } of readMessages(response)) {
    if (event === 'connected')
      expect(JSON.parse(data)).toEqual({ reconnectAfterInactivityMs: 2.5 * 7_000 });
    break;
  }
});
