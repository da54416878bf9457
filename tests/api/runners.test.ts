// Runners over real HTTP: what they are told of calls, and what they may do with them.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../contracts/ids.ts';
import type { CallId } from '../../contracts/ids.ts';
import type { RunnerNews, RunnerSelector } from '../../contracts/runners.ts';
import type { RequestedCall } from '../../journal/port.ts';
import { openCalls, OWNER, sealOf, toolCall } from '../journal/support/facts.ts';
import { eventually, startFixture, type Fixture } from './support/fixture.ts';

let product: Fixture;
const keys = { ada: '', runner: '', bob: '', olga: '' };
beforeAll(async () => {
  product = await startFixture({ settings: { api: { requireKey: true } } });
  keys.ada = await product.key(OWNER.tenant, OWNER.user);
  keys.runner = await product.key(OWNER.tenant, OWNER.user, 'runner');
  keys.bob = await product.key(OWNER.tenant, 'bob', 'runner');
  keys.olga = await product.key(OWNER.tenant, 'olga', 'operator');
});
afterAll(() => product[Symbol.asyncDispose]());

const TOOL = {
  name: 'look_up',
  description: 'Looks up.',
  inputSchema: { type: 'object' },
  effect: 'read',
};

interface Registered {
  readonly runnerId: string;
  readonly instance: string;
  readonly leaseMs: number;
  readonly name: string;
  readonly key: string;
}

async function register(name: string, key = keys.runner, more: object = {}): Promise<Registered> {
  const instance = newId('run');
  const body = { name, instance, workdir: '/home/ada', tools: [TOOL], version: '1', ...more };
  const answer = await product.send('POST', '/api/runners', { key, body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  const { runnerId, leaseMs } = answer.body;
  return { runnerId: String(runnerId), leaseMs: Number(leaseMs), instance, name, key };
}

/** A session of Ada's whose model asked for a remote tool. */
async function calls(runner: RunnerSelector, ...changes: Partial<RequestedCall>[]) {
  const requested = (changes.length === 0 ? [{}] : changes).map((change) =>
    toolCall({ mode: 'remote', effect: 'read', runner, ...change }),
  );
  const ref = await openCalls(product.journal, ...requested);
  return { ...ref, callIds: requested.map(({ callId }) => callId) };
}

/** The stream of a runner, read as it comes. */
async function listen({ runnerId, instance, key }: Registered) {
  const stop = new AbortController();
  const response = await fetch(
    `${product.url}/api/runners/${runnerId}/calls?instance=${instance}`,
    {
      headers: { accept: 'text/event-stream', authorization: `Bearer ${key}` },
      signal: stop.signal,
    },
  );
  expect(response.status).toBe(200);
  const news: RunnerNews[] = [];
  const reading = (async () => {
    let text = '';
    for await (const chunk of response.body!) {
      text += Buffer.from(chunk as Uint8Array).toString();
      const parts = text.split('\n\n');
      text = parts.pop()!;
      for (const part of parts)
        if (part.startsWith('data: ')) news.push(JSON.parse(part.slice(6)) as RunnerNews);
    }
  })().catch(() => undefined);
  return {
    news,
    ended: reading,
    about: (callId: CallId) =>
      news
        .filter((one) =>
          one.type === 'offer' ? one.action.invocation.callId === callId : one.callId === callId,
        )
        .map(({ type }) => type),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await reading;
    },
  };
}

const FIFTY = Array.from({ length: 50 }, () => ({}));

const claim = ({ runnerId, instance, key }: Registered, callId: CallId) =>
  product.send('POST', `/api/tools/${callId}/claim`, {
    key,
    body: { holder: instance, runnerId },
  });
const answer = (
  { runnerId, instance, key }: Registered,
  callId: CallId,
  outcome: object = { status: 'completed', result: 'found' },
) =>
  product.send('POST', `/api/tools/${callId}/result`, {
    key,
    body: { holder: instance, runnerId, outcome },
  });

test('a runner is told that a claim lapses after 15 s, where nothing else is configured', async () => {
  expect((await register('default-lease')).leaseMs).toBe(15_000);
});

test('a runner is told at once of what waits and of what comes, with the whole action, and of what is over', async () => {
  const runner = await register('told');
  const before = await calls({ name: 'told' });
  await using stream = await listen(runner);
  await eventually(
    async () => stream.news.length,
    (count) => count === 1,
  );
  expect(stream.news[0]).toEqual({
    type: 'offer',
    action: {
      type: 'agent_tool_call',
      invocation: {
        callId: before.callIds[0],
        name: 'look_up',
        arguments: { q: 'x' },
        effect: 'read',
        timeoutMs: 60_000,
        attempt: 1,
      },
      sessionId: before.sessionId,
      workdir: '/home/ada',
    },
  });
  const after = await calls({ name: 'told' });
  const [callId] = after.callIds;
  await eventually(
    async () => stream.about(callId!),
    (types) => types.length === 1,
  );
  expect((await claim(runner, callId!)).body).toMatchObject({ state: 'leased', attempts: 1 });
  await product.journal.steps.seal(sealOf({ ...after, step: 1 }));
  await eventually(
    async () => stream.about(callId!),
    (types) => types.length === 2,
  );
  expect(stream.about(callId!)).toEqual(['offer', 'closed']);
  // Nothing else concerned the first one.
  expect(stream.about(before.callIds[0]!)).toEqual(['offer']);
});

test('a call goes to the runners it is for, which offer its tool, and to nobody else', async () => {
  const fits = await register('fits', keys.runner, { labels: { os: 'linux', gpu: 'a' } });
  const other = await register('other', keys.runner, { labels: { os: 'linux' } });
  const toolless = await register('toolless', keys.runner, { labels: { gpu: 'a' }, tools: [] });
  const theirs = await register('fits', keys.bob, { labels: { gpu: 'a' } });
  const { callIds } = await calls({ labels: { gpu: 'a' } });
  const seen = async ({ runnerId, instance, key }: Registered) => {
    const page = await product.send('GET', `/api/runners/${runnerId}/calls?instance=${instance}`, {
      key,
    });
    const found = page.body['calls'] as { invocation: { callId: string } }[];
    return found.map(({ invocation }) => invocation.callId).includes(callIds[0]!);
  };
  expect(await Promise.all([fits, other, toolless, theirs].map(seen))).toEqual([
    true,
    false,
    false,
    false,
  ]);
  for (const stranger of [other, theirs])
    expect((await claim(stranger, callIds[0]!)).body.code).toBe('not_found');
  expect((await answer(theirs, callIds[0]!)).body.code).toBe('not_found');
  // Shared by an operator it serves everybody of the tenant.
  const share = (key: string) =>
    product.send('POST', `/api/runners/${theirs.runnerId}/share`, { key, body: { shared: true } });
  expect((await share(keys.bob)).body.code).toBe('forbidden');
  expect((await share(keys.olga)).body).toMatchObject({ shared: true });
  expect(await seen(theirs)).toBe(true);
  expect((await claim(theirs, callIds[0]!)).status).toBe(200);
  expect((await answer(theirs, callIds[0]!)).status).toBe(202);
});

test('of runners that race for a hundred calls each call is claimed by one, and one is told that it is too late', async () => {
  const racers = [
    await register('racer-1', keys.runner, { labels: { race: 'yes' } }),
    await register('racer-2', keys.runner, { labels: { race: 'yes' } }),
  ];
  const { callIds } = await calls({ labels: { race: 'yes' } }, ...FIFTY);
  const more = await calls({ labels: { race: 'yes' } }, ...FIFTY);
  const won = await Promise.all(
    [...callIds, ...more.callIds].map(async (callId) => {
      const claims = await Promise.all(racers.map((racer) => claim(racer, callId)));
      return claims.map(({ status }) => status).toSorted((a, b) => a - b);
    }),
  );
  expect(won).toHaveLength(100);
  expect(new Set(won.map((statuses) => statuses.join()))).toEqual(new Set(['200,409']));
});

test('a remote call is handled by a runner only, and its result is taken from the claim’s holder only', async () => {
  const [one, two] = [await register('one', keys.runner), await register('two', keys.runner)];
  const { callIds } = await calls({ name: 'one' });
  const [callId] = callIds;
  for (const [path, body] of [
    ['claim', { holder: 'me' }],
    ['progress', { holder: 'me', message: 'x' }],
    ['result', { outcome: { status: 'completed' } }],
  ] as const) {
    const refused = await product.send('POST', `/api/tools/${callId}/${path}`, {
      key: keys.ada,
      body,
    });
    expect([refused.status, refused.body.field]).toEqual([400, 'runnerId']);
  }
  expect((await answer(one, callId!)).body.code).toBe('result_late');
  await claim(one, callId!);
  expect((await answer({ ...one, instance: two.instance }, callId!)).body.code).toBe('result_late');
  const progress = { runnerId: one.runnerId, holder: one.instance, message: 'half' };
  const told = await product.send('POST', `/api/tools/${callId}/progress`, {
    key: one.key,
    body: progress,
  });
  expect(told.status).toBe(200);
  expect((await answer(one, callId!)).status).toBe(202);
  expect((await answer(one, callId!)).status).toBe(202);
  const another = await answer(one, callId!, { status: 'failed', message: 'no' });
  expect(another.body.code).toBe('result_duplicate');
});

test.each([
  ['rejected', 'rejected', 'tool_denied'],
  ['unknown', 'unknown', 'tool_outcome_unknown'],
  ['failed', 'failed', 'tool_failed'],
] as const)('a runner may answer that a call was %s', async (status, outcome, code) => {
  const runner = await register(`says-${status}`);
  const { callIds, sessionId, turn } = await calls({ name: `says-${status}` });
  await claim(runner, callIds[0]!);
  await answer(runner, callIds[0]!, { status, message: 'because' });
  await product.journal.ledger.settle({
    ...{ sessionId, turn, step: 1, callId: callIds[0]!, giveUp: false },
  });
  const page = await product.journal.events.read(sessionId, { after: 0, limit: 100 });
  expect(page.events.at(-1)?.data).toMatchObject({
    outcome,
    error: { code, message: 'because' },
  });
});

test('the newest process of a name is the runner: the one before is refused, its stream ends, its results still count', async () => {
  const first = await register('moved');
  const { callIds } = await calls({ name: 'moved' });
  await claim(first, callIds[0]!);
  const second = await register('moved');
  expect(second.runnerId).toBe(first.runnerId);
  const asked = await product.send(
    'GET',
    `/api/runners/${first.runnerId}/calls?instance=${first.instance}`,
    { key: first.key },
  );
  expect([asked.status, asked.body.code]).toEqual([409, 'runner_replaced']);
  expect((await claim(first, callIds[0]!)).body.code).toBe('runner_replaced');
  expect((await answer(first, callIds[0]!)).status).toBe(202);
});

test('people see which runners may serve them, operators all of the tenant, a runner its own; and remove what is theirs', async () => {
  const mine = await register('mine');
  const bobs = await register('bobs', keys.bob);
  const names = async (key: string) =>
    (
      (await product.send('GET', '/api/runners', { key })).body['runners'] as { name: string }[]
    ).map(({ name }) => name);
  expect(await names(keys.ada)).toContain('mine');
  expect(await names(keys.ada)).not.toContain('bobs');
  expect(await names(keys.olga)).toEqual(expect.arrayContaining(['mine', 'bobs']));
  expect(await names(keys.bob)).not.toContain('mine');
  const seen = (await product.send('GET', '/api/runners', { key: keys.olga })).body['runners'];
  expect(seen).toContainEqual(expect.objectContaining({ name: 'mine', servesYou: false }));
  const remove = (runnerId: string, key: string) =>
    product.send('DELETE', `/api/runners/${runnerId}`, { key });
  expect((await remove(bobs.runnerId, keys.ada)).body.code).toBe('not_found');
  expect((await remove(mine.runnerId, keys.ada)).body).toMatchObject({ removed: true });
  expect((await remove(mine.runnerId, keys.ada)).body.code).toBe('not_found');
  expect((await remove(bobs.runnerId, keys.olga)).status).toBe(200);
  const audit = await product.send('GET', '/api/audit', { key: keys.olga });
  expect(audit.body.items.map(({ action }) => action)).toEqual(
    expect.arrayContaining(['runner.registered', 'runner.removed']),
  );
});

test('a session that names a runner which never registered is refused with those that did', async () => {
  await register('here');
  const start = (runner: object) =>
    product.send('POST', '/api/sessions', { key: keys.ada, body: { runner } });
  const refused = await start({ name: 'nowhere' });
  expect([refused.status, refused.body.field]).toEqual([400, 'runner']);
  expect(refused.body.detail).toMatch(/no runner of user "ada" is \{"name":"nowhere"\}.*here/);
  expect((await start({ name: 'here', labels: { a: 'b' } })).body.code).toBe('invalid_input');
  expect((await start({ name: 'here' })).status).toBe(201);
});

test('an agent that works on a runner answers only whom one of that name serves: this machine never takes its place', async () => {
  await register('abroad', keys.bob);
  const start = () =>
    product.send('POST', '/api/sessions', { key: keys.ada, body: { agent: 'abroad' } });
  const refused = await start();
  expect([refused.status, refused.body.field]).toEqual([400, 'runner']);
  expect(refused.body.detail).toContain(
    'no runner of user "ada" is {"name":"abroad"} that agent "abroad" works on',
  );
  await register('abroad');
  expect((await start()).status).toBe(201);
});
