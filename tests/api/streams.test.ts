import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventSchema, type PerdureEvent } from '../../contracts/events.ts';
import type { SessionId } from '../../contracts/ids.ts';
import { readEvents } from './support/event-reader.ts';
import { eventually, startFixture, type Fixture } from './support/fixture.ts';
import { chance, SEED } from './support/random.ts';
import {
  eventIn,
  openStream,
  readMessages,
  streamUrl,
  type StreamKind,
} from './support/raw-stream.ts';
import { overHttp, overSocket } from './support/trpc.ts';

let product: Fixture;
beforeAll(async () => {
  product = await startFixture({ worker: true });
});
afterAll(() => product[Symbol.asyncDispose]());

const MESSAGE = '#cut tokens=60 delay=10';
const settled = (event: PerdureEvent): boolean => event.type === 'turn.settled';

const start = async (message: string): Promise<SessionId> =>
  (await product.send('POST', '/api/sessions', { body: { message } })).body.sessionId;

/** All that the log has, by polling: what every transport must have delivered. */
async function logged(sessionId: string): Promise<number[]> {
  const page = await product.send('GET', `/api/sessions/${sessionId}/events?limit=1000`);
  const events = page.body['events'] as PerdureEvent[];
  for (const event of events) eventSchema.parse(event);
  return events.slice(0, events.findIndex(settled) + 1).map(({ seq }) => seq);
}

/** Each time at a byte that chance names, which may lie in the middle of an event. */
async function cutAgainAndAgain(kind: StreamKind): Promise<void> {
  const sessionId = await start(MESSAGE);
  const cut = chance(SEED);
  const got: number[] = [];
  for (let done = false; !done;) {
    const after = got.at(-1) ?? 0;
    const response = await openStream(streamUrl(kind, product.url, { sessionId, after }));
    for await (const message of readMessages(response, cut(1, 6_000))) {
      const event = eventIn(message);
      if (!event) continue;
      expect(Number(message.id)).toBe(event.seq);
      got.push(event.seq);
      done = settled(event);
      if (done) break;
    }
  }
  expect(got, `PERDURE_TEST_SEED=${SEED}`).toEqual(await logged(sessionId));
}

test('plain SSE cut again and again delivers every event once and in order', () =>
  cutAgainAndAgain('plain SSE'));

test('a tRPC subscription over SSE, cut again and again, delivers every event once and in order', () =>
  cutAgainAndAgain('tRPC over SSE'));

test('a tRPC subscription over SSE, stopped and resumed by tRPC’s client at any moment, delivers every event once and in order', async () => {
  const sessionId = await start(MESSAGE);
  const trpc = overHttp(product.url);
  const cut = chance(SEED);
  const got: number[] = [];
  let done = false;
  while (!done) {
    let left = cut(1, 40);
    await new Promise<void>((resolve, reject) => {
      const subscription = trpc.session.events.subscribe(
        { sessionId, lastEventId: String(got.at(-1) ?? 0) },
        {
          onData({ id, data }) {
            if (done || left === 0) return;
            got.push(Number(id));
            done = settled(data);
            left -= 1;
            if (!done && left > 0) return;
            subscription.unsubscribe();
            resolve();
          },
          onError: reject,
        },
      );
    });
  }
  expect(got, `PERDURE_TEST_SEED=${SEED}`).toEqual(await logged(sessionId));
});

test('a tRPC subscription over a WebSocket that is cut at any moment resumes by itself without a gap', async () => {
  const sessionId = await start(MESSAGE);
  using socket = overSocket(product.url);
  const cut = chance(SEED);
  const got: number[] = [];
  let cuts = 0;
  let left = cut(1, 20);
  await new Promise<void>((resolve, reject) => {
    socket.trpc.session.events.subscribe(
      { sessionId },
      {
        onData({ id, data }) {
          got.push(Number(id));
          if (settled(data)) return resolve();
          left -= 1;
          if (left > 0) return;
          left = cut(1, 20);
          cuts += 1;
          // At once, in mid-frame, or between two events.
          setTimeout(() => socket.cut(), cut(0, 15));
        },
        onError: reject,
      },
    );
  });
  expect(cuts).toBeGreaterThan(0);
  expect(got, `PERDURE_TEST_SEED=${SEED}`).toEqual(await logged(sessionId));
});

test('many clients that join one session at different moments all get all of it', async () => {
  const sessionId = await start(MESSAGE);
  const readers = Array.from({ length: 20 }, async (_, index) => {
    await sleep(index * 25);
    const got: number[] = [];
    for await (const { id, event } of readEvents(product.url, sessionId)) {
      got.push(id);
      if (settled(event)) break;
    }
    return got;
  });
  const all = await Promise.all(readers);
  const expected = await logged(sessionId);
  for (const got of all) expect(got).toEqual(expected);
});

test('Last-Event-ID that is no number, or beyond the head, is refused with its own status', async () => {
  const sessionId = await start('#x tokens=1');
  const ask = (id: string) =>
    product.send('GET', `/api/sessions/${sessionId}/events`, {
      headers: { accept: 'text/event-stream', 'last-event-id': id },
    });
  for (const id of ['abc', '-1', '1.5', '99999999'])
    expect(await ask(id)).toMatchObject({
      status: 400,
      body: { code: 'invalid_input', field: 'after' },
    });
});

test('a context change is pushed to whoever listens', async () => {
  const sessionId = await start('#x tokens=1');
  const trpc = overHttp(product.url);
  const seen: unknown[] = [];
  const subscription = trpc.context.changes.subscribe(undefined, {
    onData: (change) => seen.push(change),
  });
  const set = () => trpc.context.set.mutate({ context: 'window-1', sessionId });
  await eventually(set, () => seen.length > 0);
  subscription.unsubscribe();
  expect(seen[0]).toMatchObject({ context: 'window-1', sessionId });
  const got = await product.send('GET', '/api/active-session?context=window-1');
  expect(got.body).toMatchObject({ context: 'window-1', sessionId });
});

test('no stream, socket or feed is left when the clients are gone', async () => {
  await eventually(
    () => product.registry.metrics(),
    (text) => /perdure_open_streams 0/.test(text),
  );
});
