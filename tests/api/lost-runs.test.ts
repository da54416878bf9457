/** Sessions whose run ends, or is lost, at the moment in which somebody speaks to them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId, type SessionId } from '../../contracts/ids.ts';
import { eventually, startFixture, uniqueName, type Fixture } from './support/fixture.ts';

let product: Fixture;
beforeAll(async () => {
  product = await startFixture({ worker: true });
});
afterAll(() => product[Symbol.asyncDispose]());

const show = async (sessionId: SessionId, query = '') =>
  (await product.send('GET', `/api/sessions/${sessionId}${query}`)).body;
const until = (sessionId: SessionId, state: string) =>
  eventually(
    () => show(sessionId),
    (body) => body['state'] === state,
  );
const tell = (sessionId: SessionId, path: string, body: object = {}) =>
  product.send('POST', `/api/sessions/${sessionId}/${path}`, { body });
const asked = (label: string): number =>
  product.models.requests.filter(({ user }) => user.includes(`#${label}`)).length;
const typesOf = async (sessionId: SessionId) => {
  const { events } = await product.journal.events.read(sessionId, { after: 0, limit: 1_000 });
  return events.map(({ type }) => type);
};
const count = <T>(all: readonly T[], one: T) => all.filter((other) => other === one).length;

async function waitingSession(): Promise<SessionId> {
  const { sessionId } = (await product.send('POST', '/api/sessions', { body: {} })).body;
  await until(sessionId, 'waiting');
  return sessionId;
}

/** As an operator does in Temporal's UI. */
async function lostSession(message?: string): Promise<SessionId> {
  const sessionId = await waitingSession();
  if (message !== undefined) {
    await tell(sessionId, 'messages', { content: message });
    await until(sessionId, 'streaming');
  }
  await product.temporal.client.workflow.getHandle(sessionId).terminate('by hand');
  return sessionId;
}

test('a message with leave to reopen is answered once, however soon after a stop it comes', async () => {
  const sessionId = await waitingSession();
  for (let round = 0; round < 8; round++) {
    const label = uniqueName('again');
    await tell(sessionId, 'stop');
    const content = `#${label} tokens=1`;
    const sent = await tell(sessionId, 'messages?wait=120s', { content, reopen: true });
    expect([sent.status, sent.body['reply']]).toMatchObject([200, { outcome: 'completed' }]);
    expect(asked(label)).toBe(1);
  }
  expect(await typesOf(sessionId)).not.toContain('message.rejected');
});

test('a session that is reopened right after a stop is open, and stays so', async () => {
  for (let round = 0; round < 6; round++) {
    const sessionId = await waitingSession();
    await tell(sessionId, 'stop');
    expect((await tell(sessionId, 'reopen')).status).toBe(202);
    await eventually(
      () => typesOf(sessionId),
      (types) => types.includes('session.reopened'),
    );
    const sent = await tell(sessionId, 'messages?wait=120s', { content: 'tokens=1' });
    expect(sent.body['reply']).toMatchObject({ outcome: 'completed' });
    // And a stop right after a reopening is not lost either.
    await tell(sessionId, 'stop');
    await tell(sessionId, 'reopen');
    await tell(sessionId, 'stop');
    await eventually(
      () => product.temporal.client.workflow.getHandle(sessionId).describe(),
      ({ status }) => status.name === 'COMPLETED',
    );
    expect((await show(sessionId))['state']).toBe('ended');
  }
});

test('what is said to a session between its stop and its end is answered by a run of its own', async () => {
  await using idle = await startFixture();
  const begin = async () => (await idle.send('POST', '/api/sessions', { body: {} })).body.sessionId;
  const say = (sessionId: SessionId, path: string, body: object = {}) =>
    idle.send('POST', `/api/sessions/${sessionId}/${path}`, { body });
  const [reopened, asked, twice] = [await begin(), await begin(), await begin()];
  for (const sessionId of [reopened, asked, twice]) await say(sessionId, 'stop');
  await say(reopened, 'reopen');
  const { messageId } = (await say(asked, 'messages', { content: 'tokens=1', reopen: true })).body;
  await say(twice, 'reopen');
  await say(twice, 'stop');
  await idle.startWorker();
  for (const sessionId of [reopened, asked])
    await eventually(
      () => idle.journal.sessions.get(sessionId),
      (row) => row?.state === 'waiting' && row.turns === (sessionId === asked ? 1 : 0),
    );
  const { events } = await idle.journal.events.read(asked, { after: 0, limit: 100 });
  // So it has kept its place among the tenant's open ones.
  expect(events.find(({ type }) => type === 'session.ended')).toMatchObject({
    data: { reason: 'stopped', reopening: true },
  });
  expect(events.find(({ type }) => type === 'turn.settled')).toMatchObject({
    turn: messageId,
    data: { outcome: 'completed' },
  });
  // Temporal's own list shows it as open, though the run before had ended.
  const { searchAttributes } = await idle.temporal.client.workflow.getHandle(asked).describe();
  expect(searchAttributes).toMatchObject({ PerdureState: ['open'], PerdureAgent: ['assistant'] });
  await eventually(
    () => idle.journal.sessions.get(twice),
    (row) => row?.state === 'ended',
  );
});

test('a session whose run was terminated goes on with a message that may reopen it; its open turn is settled', async () => {
  const sessionId = await lostSession('#lost tokens=4000 delay=50');
  await eventually(
    () => show(sessionId, '?live=true'),
    ({ liveError }) => (liveError as { code?: string }).code === 'not_found',
  );
  const refused = await tell(sessionId, 'messages', { content: 'tokens=1' });
  expect([refused.status, refused.body.code]).toEqual([409, 'session_closed']);
  expect(await show(sessionId)).toMatchObject({
    ...{ state: 'error', endReason: 'error', error: { code: 'state_corrupt' }, turn: null },
  });
  const sent = await tell(sessionId, 'messages?wait=120s', { content: 'tokens=1', reopen: true });
  expect([sent.status, sent.body['reply']]).toMatchObject([200, { outcome: 'completed' }]);
  const types = await typesOf(sessionId);
  expect([count(types, 'turn.settled'), count(types, 'session.ended')]).toEqual([2, 1]);
});

test('so does a session that Temporal knows nothing of, as after its data was restored from before the session', async () => {
  const { row } = await product.journal.sessions.create({
    ...{ sessionId: newId('ses'), tenant: 'local', user: 'local', digest: 'x' },
    ...{ agent: 'assistant', model: 'fake', workspace: null, context: null, title: null },
    ...{ externalId: null, tools: [], limits: {} },
  });
  const { sessionId } = row;
  await product.journal.events.record(sessionId, [
    { key: 'waiting', event: { type: 'session.state', data: { state: 'waiting' } } },
  ]);
  const sent = await tell(sessionId, 'messages?wait=120s', { content: 'tokens=1', reopen: true });
  expect([sent.status, sent.body['reply']]).toMatchObject([200, { outcome: 'completed' }]);
  expect((await typesOf(sessionId)).slice(2, 4)).toEqual(['session.ended', 'session.reopened']);
});

test.each([
  { path: 'messages', body: { content: 'tokens=1', reopen: true }, status: 202, state: 'waiting' },
  { path: 'reopen', body: {}, status: 202, state: 'waiting' },
  { path: 'stop', body: {}, status: 202, state: 'error' },
  { path: 'interrupt', body: {}, status: 409, state: 'error' },
])(
  'of a session whose run was terminated, $path is answered for what it is',
  async ({ path, body, status, state }) => {
    const sessionId = await lostSession();
    const answers = await Promise.all([tell(sessionId, path, body), tell(sessionId, path, body)]);
    expect(answers.map((answer) => answer.status)).toEqual([status, status]);
    await until(sessionId, state);
    if (status === 202) expect((await tell(sessionId, 'stop')).status).toBe(202);
    expect(count(await typesOf(sessionId), 'session.ended')).toBeGreaterThanOrEqual(1);
  },
);

test('a session whose run is lost is ended by the sweepers, once, and one that waits is not', async () => {
  const sweeping = { everyMs: 50, startStalledMs: 0, quietForMs: 0 };
  await using fleet = await startFixture({ worker: true, sweeping });
  await fleet.addApi();
  const start = async () => {
    const { sessionId } = (await fleet.send('POST', '/api/sessions', { body: {} })).body;
    return sessionId;
  };
  const stateOf = async (sessionId: SessionId) =>
    (await fleet.send('GET', `/api/sessions/${sessionId}`)).body['state'];
  const [lost, waits] = [await start(), await start()];
  for (const sessionId of [lost, waits])
    await eventually(
      () => stateOf(sessionId),
      (state) => state === 'waiting',
    );
  await fleet.temporal.client.workflow.getHandle(lost).terminate('by hand');
  await eventually(
    () => stateOf(lost),
    (state) => state === 'error',
  );
  const { events } = await fleet.journal.events.read(lost, { after: 0, limit: 100 });
  expect(
    count(
      events.map(({ type }) => type),
      'session.ended',
    ),
  ).toBe(1);
  expect(await stateOf(waits)).toBe('waiting');
});

test('one that was terminated before a worker took it up is ended too', async () => {
  const sweeping = { everyMs: 50, startStalledMs: 0, quietForMs: 0 };
  await using idle = await startFixture({ sweeping });
  const { sessionId } = (await idle.send('POST', '/api/sessions', { body: {} })).body;
  await idle.temporal.client.workflow.getHandle(sessionId).terminate('by hand');
  await eventually(
    () => idle.journal.sessions.get(sessionId),
    (row) => row?.endReason === 'error',
  );
});

test('the same message id in two sessions is two messages', async () => {
  const messageId = newId('msg');
  for (const content of ['tokens=1', 'tokens=2']) {
    const sessionId = await waitingSession();
    const sent = await tell(sessionId, 'messages?wait=120s', { content, messageId });
    expect([sent.status, sent.body['reply']]).toMatchObject([200, { outcome: 'completed' }]);
  }
});
