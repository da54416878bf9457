// Many calls in one request or one frame: refused whole, with the limit and the number, and without a call being made.
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { takeFrame } from '../../api/http/batch.ts';
import { startFixture, type Fixture } from './support/fixture.ts';

let product: Fixture;
beforeAll(async () => {
  product = await startFixture();
});
afterAll(() => product[Symbol.asyncDispose]());

const refusal = (sent: number) => ({
  message: `A batch may hold at most 50 calls, this one holds ${sent}: send them in several.`,
  data: { code: 'invalid_input', httpStatus: 400 },
});

const overHttp = (calls: number) =>
  fetch(
    `${product.url}/trpc/${Array.from({ length: calls }, () => 'system.info').join(',')}?batch=1&input=%7B%7D`,
  );

test.each([51, 1_000])('over HTTP, %i calls are refused', async (calls) => {
  const response = await overHttp(calls);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: refusal(calls) });
});

test('over HTTP, 50 calls are answered', async () => {
  const response = await overHttp(50);
  expect([response.status, ((await response.json()) as unknown[]).length]).toEqual([200, 50]);
});

/** Every answer that comes before that to a call in a frame after this one. */
async function answersTo(frame: string): Promise<{ id: unknown }[]> {
  const socket = new WebSocket(`${product.url.replace('http', 'ws')}/trpc`);
  await once(socket, 'open');
  const answers: { id: unknown }[] = [];
  const last = new Promise<void>((resolve) => {
    socket.on('message', (data) => {
      const answer = JSON.parse((data as Buffer).toString()) as { id: unknown };
      if (answer.id === 'last') resolve();
      else answers.push(answer);
    });
  });
  socket.send(frame);
  socket.send(JSON.stringify(call('last')));
  await last;
  socket.terminate();
  return answers;
}

const call = (id: unknown, method = 'query') => ({ id, method, params: { path: 'system.info' } });
const frameOf = (count: number, method?: string) =>
  JSON.stringify(Array.from({ length: count }, (_, id) => call(id, method)));

test.each([51, 1_000])(
  'in one frame of a WebSocket, %i calls are refused, each so that its caller hears of it',
  async (calls) => {
    const answers = await answersTo(` ${frameOf(calls)}`);
    expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: calls }, (_, id) => id));
    for (const answer of answers) expect(answer).toMatchObject({ error: refusal(calls) });
  },
);

test('a frame that attacks gets no more than a thousand answers, one without ids a single one', async () => {
  expect(await answersTo(frameOf(20_000))).toHaveLength(1_000);
  const nobody = await answersTo(JSON.stringify(Array.from({ length: 60 }, () => 7)));
  expect(nobody).toEqual([{ id: null, error: expect.objectContaining(refusalOf(60)) }]);
});
const refusalOf = (sent: number) => ({ message: refusal(sent).message });

test('a frame with many subscriptions is handed on in pieces of fifty, in order', () => {
  const messages = Array.from({ length: 120 }, (_, id) => call(id, 'subscription'));
  const { refusals, pieces } = takeFrame(Buffer.from(JSON.stringify(messages)));
  const read = pieces.map((piece) => JSON.parse(piece.toString()) as unknown[]);
  expect(refusals).toEqual([]);
  expect(read.map(({ length }) => length)).toEqual([50, 50, 20]);
  expect(read.flat()).toEqual(messages);
});

test('what a client that connects again sends at once is taken: 50 calls, and any number of subscriptions', async () => {
  const answers = await answersTo(frameOf(50));
  expect(answers.every((answer) => 'result' in answer)).toBe(true);
  const subscriptions = await answersTo(frameOf(160, 'subscription'));
  expect(subscriptions.map(({ id }) => id)).toEqual(Array.from({ length: 160 }, (_, id) => id));
  // Each is refused for its own reason: this procedure is none.
  for (const answer of subscriptions) expect(answer).not.toMatchObject({ error: refusal(160) });
});
