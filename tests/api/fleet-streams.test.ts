/** Two APIs on one PostgreSQL: a client that is cut off goes on at the other one. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PerdureEvent } from '../../contracts/events.ts';
import type { SessionId } from '../../contracts/ids.ts';
import { readEvents } from './support/event-reader.ts';
import { startFixture, type Fixture } from './support/fixture.ts';
import { overHttp, overSocket } from './support/trpc.ts';

let product: Fixture;
let urls: readonly [string, string];
beforeAll(async () => {
  product = await startFixture({ dialect: 'postgres', worker: true });
  urls = [product.url, (await product.addApi()).url];
});
afterAll(() => product[Symbol.asyncDispose]());

const CUTS = [1, 2, 3, 5, 8, 13, 40];
const settled = ({ type }: PerdureEvent): boolean => type === 'turn.settled';

const start = async (): Promise<SessionId> => {
  const body = { message: '#fleet tokens=60 delay=10' };
  return (await product.send('POST', '/api/sessions', { body })).body.sessionId;
};

/** What every client must have got, by polling. */
async function logged(sessionId: SessionId): Promise<number[]> {
  const page = await product.send('GET', `/api/sessions/${sessionId}/events?limit=1000`);
  const events = page.body['events'] as PerdureEvent[];
  return events.slice(0, events.findIndex(settled) + 1).map(({ seq }) => seq);
}

test('plain SSE that is cut again and again, each time resumed at the other API, delivers every event once and in order', async () => {
  const sessionId = await start();
  const got: number[] = [];
  let done = false;
  for (let round = 0; !done; round += 1) {
    const stop = new AbortController();
    let left = CUTS[round % CUTS.length]!;
    const options = { signal: stop.signal, lastEventId: got.at(-1) ?? 0 };
    for await (const { id, event } of readEvents(urls[round % 2]!, sessionId, options)) {
      got.push(id);
      done = settled(event);
      if (done || --left === 0) break;
    }
    stop.abort();
  }
  expect(got).toEqual(await logged(sessionId));
});

test('subscriptions over SSE at one API and over a socket that is cut at the other see the same events', async () => {
  const sessionId = await start();
  using socket = overSocket(urls[1]);
  const follow = (trpc: ReturnType<typeof overHttp>, onCount: (count: number) => void) =>
    new Promise<number[]>((resolve, reject) => {
      const got: number[] = [];
      const subscription = trpc.session.events.subscribe(
        { sessionId },
        {
          onData({ id, data }) {
            got.push(Number(id));
            onCount(got.length);
            if (!settled(data)) return;
            subscription.unsubscribe();
            resolve(got);
          },
          onError: reject,
        },
      );
    });
  const [overSse, overWs] = await Promise.all([
    follow(overHttp(urls[0]), () => {}),
    follow(socket.trpc, (count) => {
      if (CUTS.includes(count)) socket.cut();
    }),
  ]);
  const expected = await logged(sessionId);
  expect([overSse, overWs]).toEqual([expected, expected]);
});
