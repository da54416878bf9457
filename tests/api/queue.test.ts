import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, startFixture, type Fixture } from './support/fixture.ts';

let product: Fixture;
beforeAll(async () => {
  product = await startFixture({ worker: true });
});
afterAll(() => product[Symbol.asyncDispose]());

/** A session that is busy with its first message. */
async function busySession(body: object = {}) {
  const started = await product.send('POST', '/api/sessions', {
    body: { message: '#slow tokens=4000 delay=20', ...body },
  });
  const path = `/api/sessions/${started.body.sessionId}`;
  const state = async () => (await product.send('GET', path)).body['state'];
  const until = (wanted: string) => eventually(state, (is) => is === wanted);
  await until('streaming');
  const send = (content: string, change: object = {}, query = '') =>
    product.send('POST', `${path}/messages${query}`, { body: { content, ...change } });
  const waiting = async () =>
    (await product.send('GET', `${path}/queue`)).body['messages'] as { messageId: string }[];
  const queue = async () => (await waiting()).map(({ messageId }) => messageId);
  return { path, until, send, queue };
}

test('every client sees the order into which another one has brought the queue', async () => {
  const { path, send, queue } = await busySession();
  const sent = [await send('one'), await send('two'), await send('three')];
  const [one, two, three] = sent.map(({ body }) => body.messageId);
  await eventually(queue, (ids) => ids.length === 3);
  const edit = { action: 'move', messageId: three, position: 0 };
  const moved = await product.send('PATCH', `${path}/queue`, { body: { edit } });
  expect(moved.body['messages']).toMatchObject(
    [three, one, two].map((messageId) => ({ messageId })),
  );
  await eventually(queue, (ids) => ids[0] === three);
  expect(await queue()).toEqual([three, one, two]);
  await product.send('POST', `${path}/stop`);
});

test('messages that the end has rejected wait no longer, and are answered when they are sent again', async () => {
  const { path, until, send, queue } = await busySession();
  const sent = [await send('#one tokens=1'), await send('#two tokens=1')];
  const [one, two] = sent.map(({ body }) => body.messageId);
  await eventually(queue, (ids) => ids.length === 2);
  await product.send('POST', `${path}/stop`);
  await until('ended');
  expect(await queue()).toEqual([]);
  await product.send('POST', `${path}/reopen`);
  await until('waiting');
  expect(await queue()).toEqual([]);
  // The second finds the session busy with the first, and so waits again.
  const [, answer] = await Promise.all([
    send('#one tokens=1', { messageId: one }),
    send('#two tokens=1', { messageId: two }, '?wait=120s'),
  ]);
  expect(answer.body).toMatchObject({ reply: { outcome: 'completed' } });
  const again = await send('#one tokens=1', { messageId: one }, '?wait=120s');
  expect(again.body).toMatchObject({ reply: { outcome: 'completed' } });
  const { body } = await product.send('GET', `${path}/transcript`);
  const said = (body['messages'] as { id: string; content: unknown }[]).filter(
    ({ id }) => id === one || id === two,
  );
  expect(said.map(({ content }) => content)).toEqual(
    expect.arrayContaining([
      [{ type: 'text', text: '#one tokens=1' }],
      [{ type: 'text', text: '#two tokens=1' }],
    ]),
  );
  await product.send('POST', `${path}/stop`);
});

test('a message that was removed stays removed: sent again under its id it is refused, in a later life of the session too', async () => {
  const { path, until, send, queue } = await busySession();
  const { messageId } = (await send('tokens=1')).body;
  await eventually(queue, (ids) => ids.length === 1);
  const edit = { action: 'remove', messageId };
  await product.send('PATCH', `${path}/queue`, { body: { edit } });
  await eventually(queue, (ids) => ids.length === 0);
  const refused = async (query = '') => {
    const { status, body } = await send('tokens=1', { messageId, reopen: true }, query);
    expect([status, body.code, body.field]).toEqual([404, 'not_found', 'messageId']);
  };
  await refused();
  await refused('?wait=120s');
  await product.send('POST', `${path}/stop`);
  await until('ended');
  await refused();
  await product.send('POST', `${path}/reopen`);
  await until('waiting');
  await refused();
  await product.send('POST', `${path}/stop`);
});

test('whoever interrupts pays for what was said until then: the limit of the session holds', async () => {
  const { path, until, send } = await busySession({ limits: { tokensPerSession: 200 } });
  const said = () => product.models.requests.at(-1)?.written ?? 0;
  await eventually(
    async () => said(),
    (written) => written > 100,
  );
  await product.send('POST', `${path}/interrupt`);
  await until('waiting');
  const { body } = await product.send('GET', `${path}/history`);
  const events = body['events'] as { type: string; data: { usage: { outputTokens: number } } }[];
  const settled = events.find(({ type }) => type === 'turn.settled');
  expect(settled?.data.usage.outputTokens).toBeGreaterThan(100);
  const asked = product.models.requests.length;
  const next = await send('and now?', {}, '?wait=120s');
  expect(next.body).toMatchObject({ reply: { outcome: 'limit_exceeded' } });
  expect(product.models.requests).toHaveLength(asked);
});
