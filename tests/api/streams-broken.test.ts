// Clients whose connection breaks in mid-answer, over each transport: nobody else notices, and nothing of them is left.
import { once } from 'node:events';
import { get } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { PerdureEvent } from '../../contracts/events.ts';
import { loggedNumbers } from './support/facts.ts';
import { eventually, startFixture, type Fixture } from './support/fixture.ts';
import {
  eventIn,
  openStream,
  readMessages,
  streamUrl,
  type StreamKind,
} from './support/raw-stream.ts';

let product: Fixture;
beforeAll(async () => {
  product = await startFixture({ worker: true });
});
afterAll(() => product[Symbol.asyncDispose]());

const settled = ({ type }: PerdureEvent): boolean => type === 'turn.settled';

/** Reads until the turn is settled, or breaks its connection without a word after so many events. */
type Follow = (sessionId: string, breakAfter?: number) => Promise<number[]>;

const overStream =
  (kind: StreamKind): Follow =>
  async (sessionId, breakAfter) => {
    const response = await openStream(streamUrl(kind, product.url, { sessionId }));
    const numbers: number[] = [];
    for await (const message of readMessages(response)) {
      const event = eventIn(message);
      if (!event) continue;
      numbers.push(event.seq);
      if (numbers.length === breakAfter) response.socket.resetAndDestroy();
      if (numbers.length === breakAfter || settled(event)) break;
    }
    return numbers;
  };

const overWebSocket: Follow = async (sessionId, breakAfter) => {
  const socket = new WebSocket(`${product.url.replace('http', 'ws')}/trpc`);
  const numbers: number[] = [];
  socket.on('message', (data) => {
    const { result } = JSON.parse((data as Buffer).toString());
    if (result?.type !== 'data') return;
    const event = result.data.data as PerdureEvent;
    numbers.push(event.seq);
    if (numbers.length === breakAfter || settled(event)) socket.terminate();
  });
  await once(socket, 'open');
  const params = { path: 'session.events', input: { sessionId } };
  socket.send(JSON.stringify({ id: 1, method: 'subscription', params }));
  await once(socket, 'close');
  return breakAfter === undefined ? numbers : numbers.slice(0, breakAfter);
};

const byPolling: Follow = async (sessionId, breakAfter) => {
  const path = `/api/sessions/${sessionId}/events`;
  if (breakAfter !== undefined) {
    const request = get(`${product.url}${path}`, { agent: false }).on('error', () => {});
    await once(request, 'socket');
    request.once('response', ({ socket }) => socket.resetAndDestroy());
    await once(request, 'close');
    return [];
  }
  const numbers: number[] = [];
  for (;;) {
    const page = await product.send('GET', `${path}?after=${numbers.at(-1) ?? 0}&limit=5`);
    for (const event of page.body['events'] as PerdureEvent[]) {
      numbers.push(event.seq);
      if (settled(event)) return numbers;
    }
  }
};

test.each<[name: string, follow: Follow]>([
  ['plain SSE', overStream('plain SSE')],
  ['tRPC over SSE', overStream('tRPC over SSE')],
  ['tRPC over a WebSocket', overWebSocket],
  ['polling', byPolling],
])(
  'over %s, clients that break off disturb neither the session nor the others, and nothing of them is left',
  async (_, follow) => {
    const body = { message: '#broken tokens=60 delay=10' };
    const { sessionId } = (await product.send('POST', '/api/sessions', { body })).body;
    const reading = [follow(sessionId), follow(sessionId)];
    const broken = await Promise.all([1, 2, 5, 10, 20].map((events) => follow(sessionId, events)));
    const [one, two] = await Promise.all(reading);
    const logged = await loggedNumbers(product, sessionId);
    const events = await product.journal.events.read(sessionId, { after: 0, limit: 1_000 });
    expect(events.events.find(settled)?.data).toMatchObject({ outcome: 'completed' });
    expect(one).toEqual(logged.slice(0, one!.length));
    expect(one!.at(-1)).toBe(events.events.find(settled)?.seq);
    expect(two).toEqual(one);
    for (const numbers of broken) expect(numbers).toEqual(logged.slice(0, numbers.length));
    await eventually(
      () => product.registry.metrics(),
      (text) => /perdure_open_streams 0/.test(text),
    );
    // The session goes on as if nothing had been.
    const again = await product.send('POST', `/api/sessions/${sessionId}/messages?wait=120s`, {
      body: { content: '#again tokens=1' },
    });
    expect([again.status, again.body['reply']]).toEqual([
      200,
      expect.objectContaining({ text: 'again-1 ' }),
    ]);
  },
);
