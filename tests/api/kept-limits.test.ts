/** Limits of a session over its lives, and of a tenant over its sessions. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId, type SessionId } from '../../contracts/ids.ts';
import type { SessionStart } from '../../workflows/session/messages.ts';
import { eventually, startFixture, type Fixture } from './support/fixture.ts';

let product: Fixture;
beforeAll(async () => {
  product = await startFixture({ worker: true, settings: { api: { maxSessionsPerTenant: 2 } } });
});
afterAll(() => product[Symbol.asyncDispose]());

const asks = (key: string) => ({
  start: (body: object = {}) => product.send('POST', '/api/sessions', { key, body }),
  tell: (id: SessionId, what: string, body: object = {}) =>
    product.send('POST', `/api/sessions/${id}/${what}`, { key, body }),
  until: (id: SessionId, state: string) =>
    eventually(
      async () => (await product.send('GET', `/api/sessions/${id}`, { key })).body,
      (body) => body['state'] === state,
    ),
});

/** What its newest run was started with. */
async function startOf(sessionId: SessionId): Promise<SessionStart> {
  const { events } = await product.temporal.client.workflow.getHandle(sessionId).fetchHistory();
  const { input } = events![0]!.workflowExecutionStartedEventAttributes!;
  return JSON.parse(Buffer.from(input!.payloads![0]!.data!).toString()) as SessionStart;
}

test('limits that were changed under way are shown, and hold for a session that is reopened', async () => {
  const key = await product.key('kept', 'ann');
  const { start, tell, until } = asks(key);
  const { sessionId } = (await start({ limits: { stepsPerTurn: 7, usdPerTurn: 3 } })).body;
  await until(sessionId, 'waiting');
  const body = { limits: { stepsPerTurn: 1 } };
  const changed = await product.send('PATCH', `/api/sessions/${sessionId}`, { key, body });
  expect(changed.status).toBe(200);
  await tell(sessionId, 'stop');
  await until(sessionId, 'ended');
  await tell(sessionId, 'reopen');
  const { limits } = await until(sessionId, 'waiting');
  expect(limits).toEqual({
    ...{ stepsPerTurn: 1, parallelCalls: 16, usdPerTurn: 3 },
    ...{ tokensPerTurn: null, tokensPerSession: null, usdPerSession: null },
  });
  expect((await startOf(sessionId)).limits).toMatchObject({ stepsPerTurn: 1, usdPerTurn: 3 });
});

test('a session is reopened only where its tenant may have one more open, by a message too', async () => {
  const { start, tell, until } = asks(await product.key('full', 'ann'));
  const { sessionId } = (await start()).body;
  await tell(sessionId, 'stop');
  await until(sessionId, 'ended');
  const held = [await start(), await start()];
  expect(held.map(({ status }) => status)).toEqual([201, 201]);
  for (const [what, body] of [
    ['reopen', {}],
    ['messages', { content: 'again', reopen: true }],
  ] as const) {
    const refused = await tell(sessionId, what, body);
    expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
  }
  await tell(held[0]!.body.sessionId, 'stop');
  await until(held[0]!.body.sessionId, 'ended');
  expect((await tell(sessionId, 'reopen')).status).toBe(202);
});

test('so many starts at once as a tenant may not have: exactly those that it may have begin', async () => {
  const { start } = asks(await product.key('crowd', 'ann'));
  const answers = await Promise.all(Array.from({ length: 20 }, () => start()));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(2);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(18);
});

test('whoever waits for the reply to a message that is removed from the queue hears of it', async () => {
  const key = await product.key('removed', 'ann');
  const { start, tell } = asks(key);
  const { sessionId } = (await start({ message: '#long tokens=2000 delay=20' })).body;
  const messageId = newId('msg');
  const waiting = tell(sessionId, 'messages?wait=120s', { content: 'tokens=1', messageId });
  const edit = { action: 'remove', messageId };
  await eventually(
    () => product.send('PATCH', `/api/sessions/${sessionId}/queue`, { key, body: { edit } }),
    ({ status }) => status === 200,
  );
  const answer = await waiting;
  expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  await tell(sessionId, 'stop');
});

test("another tenant's session id is refused as one's own that was used for another request", async () => {
  const [ann, bob] = [await product.key('ids-a', 'ann'), await product.key('ids-b', 'bob')];
  const sessionId = newId('ses');
  await asks(ann).start({ sessionId, title: 'hers' });
  const told = async (key: string, title: string) => {
    const { status, body } = await asks(key).start({ sessionId, title });
    const { requestId: _, instance: __, ...rest } = body;
    return { status, ...rest };
  };
  const foreign = await told(bob, 'hers');
  expect(foreign).toMatchObject({ status: 409, code: 'idempotency_conflict' });
  expect(foreign).toEqual(await told(ann, 'another'));
});

test('the place of a session that was to be reopened, and of which Temporal has no run, is given back', async () => {
  const sweeping = { everyMs: 20, startStalledMs: 600_000, quietForMs: 0 };
  await using swept = await startFixture({ sweeping });
  const { journal, send } = swept;
  const { sessionId } = (await send('POST', '/api/sessions', { body: {} })).body;
  await product.temporal.client.workflow.getHandle(sessionId).terminate('by the test');
  await journal.events.record(sessionId, [
    { key: 'ended', event: { type: 'session.ended', data: { reason: 'stopped' } } },
  ]);
  const open = () => journal.sessions.count({ tenant: 'local', open: true });
  await journal.sessions.reserve(sessionId, 1);
  await eventually(open, (count) => count === 0);
  expect(await journal.sessions.get(sessionId)).toMatchObject({ endReason: 'stopped' });
});
