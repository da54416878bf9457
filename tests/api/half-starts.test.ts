/** A start that got as far as the session's row: Temporal was away, or the API died. */
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { newId, type SessionId } from '../../contracts/ids.ts';
import type { NewSession } from '../../journal/port.ts';
import { cableTo, type Cable } from './support/cable.ts';
import { eventually, startFixture, uniqueName, type Fixture } from './support/fixture.ts';

const SWEEPING = { everyMs: 50, startStalledMs: 0, quietForMs: 3_600_000 };

let cable: Cable;
let connection: Connection;
let product: Fixture;
beforeAll(async () => {
  cable = await cableTo(inject('temporalAddress'));
  connection = Connection.lazy({ address: cable.address });
  const temporalClient = new Client({ connection });
  product = await startFixture({ worker: true, temporalClient, sweeping: SWEEPING });
});
afterAll(async () => {
  await product[Symbol.asyncDispose]();
  await connection.close();
  await cable[Symbol.asyncDispose]();
});

const keyed = (key: string, body: object) => ({ body, headers: { 'idempotency-key': key } });
const show = (sessionId: string) => product.send('GET', `/api/sessions/${sessionId}`);
const asked = (label: string): number =>
  product.models.requests.filter(({ user }) => user.includes(`#${label}`)).length;

/** Asks for sessions while Temporal is away, each under its label as key; `externalId` finds it again. */
async function startInVain(labels: readonly string[]): Promise<void> {
  cable.pull();
  const refused = await Promise.all(labels.map((label) => start(label)));
  for (const { status, body } of refused)
    expect([status, body.code]).toEqual([503, 'engine_unavailable']);
  cable.plug();
}
const start = (label: string, api: Pick<Fixture, 'send'> = product) => {
  const body = { externalId: label, context: label, message: `#${label} tokens=1` };
  return api.send('POST', '/api/sessions', keyed(label, body));
};

/** The session that was started under this label, once the sweeper has completed its start. */
async function completed(label: string): Promise<SessionId> {
  const list = () => product.send('GET', `/api/sessions?externalId=${label}`);
  const { body } = await eventually(list, ({ body }) => body.items[0]?.['state'] === 'waiting');
  return body.items[0]!.sessionId;
}

const [REFUSED, LATE, GONE] = [uniqueName('refused'), uniqueName('late'), uniqueName('gone')];
beforeAll(() => startInVain([REFUSED, LATE, GONE]));

test('a session whose start failed without Temporal is started once Temporal is back, without the message that was refused', async () => {
  const sessionId = await completed(REFUSED);
  expect((await show(sessionId)).body).toMatchObject({ turns: 0 });
  expect(asked(REFUSED)).toBe(0);
  expect(await product.registry.metrics()).toMatch(/perdure_completed_starts_total [1-9]/);
  // It is a session like any other, and no longer counts once it is stopped.
  const open = () => product.journal.sessions.count({ tenant: 'local', open: true });
  const before = await open();
  await product.send('POST', `/api/sessions/${sessionId}/stop`);
  await eventually(open, (count) => count === before - 1);
});

test('the repeat of a start that was completed meanwhile brings its message, and its context shows the session', async () => {
  const sessionId = await completed(LATE);
  expect(await start(LATE)).toMatchObject({ status: 201, body: { sessionId } });
  await eventually(
    () => show(sessionId),
    ({ body }) => body['turns'] === 1 && body['state'] === 'waiting',
  );
  expect(asked(LATE)).toBe(1);
  const active = await product.send('GET', `/api/active-session?context=${LATE}`);
  expect(active.body.sessionId).toBe(sessionId);
});

test('the repeat of a start whose session was completed and has ended says so, instead of losing the message', async () => {
  const sessionId = await completed(GONE);
  await product.send('POST', `/api/sessions/${sessionId}/stop`);
  await eventually(
    () => product.temporal.client.workflow.getHandle(sessionId).describe(),
    ({ status }) => status.name === 'COMPLETED',
  );
  const repeated = await start(GONE);
  expect([repeated.status, repeated.body.code]).toEqual([409, 'session_closed']);
  expect(asked(GONE)).toBe(0);
});

const halfStarted = (): NewSession => ({
  ...{ sessionId: newId('ses'), tenant: 'local', user: 'local', digest: 'x' },
  ...{ agent: 'assistant', model: 'fake', workspace: null, context: null, title: null },
  ...{ externalId: null, tools: [], limits: {} },
});

test('two APIs that sweep while clients repeat their starts make one run and one message of each', async () => {
  const second = await product.addApi();
  const labels = Array.from({ length: 12 }, () => uniqueName('race'));
  await startInVain(labels);
  const insist = (label: string, api: Pick<Fixture, 'send'>) =>
    eventually(
      () => start(label, api),
      ({ status }) => status !== 503,
    );
  const answers = await Promise.all(
    labels.flatMap((label) => [insist(label, product), insist(label, second)]),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  const ids = [...new Set(answers.map(({ body }) => body.sessionId))];
  expect(ids).toHaveLength(labels.length);
  for (const id of ids)
    await eventually(
      () => show(id),
      ({ body }) => body['turns'] === 1 && body['state'] === 'waiting',
    );
  expect(labels.map(asked)).toEqual(labels.map(() => 1));
});

test('a session that cannot be started does not hold up the others', async () => {
  const { sessions } = product.journal;
  const broken = await sessions.create({ ...halfStarted(), agent: 'x'.repeat(70_000) });
  const sound = await sessions.create(halfStarted());
  await eventually(
    () => show(sound.row.sessionId),
    ({ body }) => body['state'] === 'waiting',
  );
  expect((await sessions.get(broken.row.sessionId))?.state).toBe('starting');
});
