import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { appRouter } from '../../api/router.ts';
import { newId } from '../../contracts/ids.ts';
import { CASES, FOR_RUNNERS, OPERATOR_ONLY, UNKNOWN, type Ids } from './support/cases.ts';
import { overSocket } from './support/trpc.ts';
import { eventually, startFixture, type Fixture } from './support/fixture.ts';

const PROCEDURES = Object.entries(appRouter._def.procedures).map(([path, procedure]) => ({
  path,
  type: (procedure as unknown as { _def: { type: 'query' | 'mutation' | 'subscription' } })._def
    .type,
}));

let product: Fixture;
let theirs: Ids;
const keys = { operator: '', user: '', colleague: '', runner: '', stranger: '' };
beforeAll(async () => {
  product = await startFixture({ worker: true, settings: { api: { requireKey: true } } });
  keys.user = await product.key('acme', 'ann');
  keys.colleague = await product.key('acme', 'bob');
  keys.operator = await product.key('acme', 'olga', 'operator');
  keys.runner = await product.key('acme', 'ann', 'runner');
  keys.stranger = await product.key('globex', 'gus', 'operator');
  theirs = await rowsOf(keys.user, keys.operator);
  // Something for a subscription to say.
  for (const key of [keys.user, keys.stranger])
    await product.send('PUT', '/api/active-session', {
      key,
      body: { context: 'c', sessionId: null },
    });
});
afterAll(() => product[Symbol.asyncDispose]());

/** One of everything that can be named. */
async function rowsOf(key: string, operator: string): Promise<Ids> {
  const started = await product.send('POST', '/api/sessions', {
    key,
    body: { agent: 'asker', message: 'call=ask{"question":"secret"}' },
  });
  const { sessionId, messageId } = started.body;
  const pending = await eventually(
    () => product.send('GET', '/api/tools/pending', { key }),
    ({ body }) => (body['calls'] as unknown[]).length > 0,
  );
  const [{ callId }] = pending.body['calls'] as [{ callId: string }];
  await product.send('POST', '/api/sessions', {
    key,
    body: { agent: 'careful', message: 'call=ask{"question":"secret"}' },
  });
  const asked = await eventually(
    () => product.send('GET', '/api/approvals', { key }),
    ({ body }) => (body['approvals'] as unknown[]).length > 0,
  );
  const [{ approvalId }] = asked.body['approvals'] as [{ approvalId: string }];
  const uploaded = await product.send('POST', '/api/artifacts', {
    key,
    body: 'secret',
    headers: { 'content-type': 'text/plain' },
  });
  const made = await product.send('POST', '/api/keys', { key: operator, body: { user: 'cy' } });
  const registered = await product.send('POST', '/api/runners', {
    key,
    body: { name: 'laptop', instance: newId('run'), workdir: '/w', tools: [], version: '1' },
  });
  const artifact = uploaded.body['artifact'] as string;
  const runnerId = registered.body['runnerId'] as string;
  const keyId = made.body['keyId'] as string;
  return { sessionId, messageId, callId, approvalId, artifact, runnerId, keyId };
}

/** By hand and not by a client: the whole answer is compared. */
async function call(
  { path, type }: { path: string; type: string },
  input: unknown,
  key: string | undefined,
): Promise<{ status: number; text: string }> {
  const json = JSON.stringify(input);
  const query =
    type === 'mutation' || input === undefined ? '' : `?input=${encodeURIComponent(json)}`;
  const response = await fetch(`${product.url}/trpc/${path}${query}`, {
    method: type === 'mutation' ? 'POST' : 'GET',
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(type === 'mutation' ? { 'content-type': 'application/json' } : {}),
    },
    ...(type === 'mutation' && input !== undefined ? { body: json } : {}),
  });
  return { status: response.status, text: await firstOf(response) };
}

/** Of a stream, what comes until it says something or ends. */
async function firstOf(response: Response): Promise<string> {
  if (!response.headers.get('content-type')?.includes('event-stream')) return response.text();
  let text = '';
  for await (const chunk of response.body!) {
    text += Buffer.from(chunk as Uint8Array).toString();
    if (/data: .*\n/.test(text.replace(/event: connected\ndata: .*\n/, ''))) break;
  }
  return text;
}

/** What differs between two askings of the same thing. */
const comparable = (text: string, ids: Ids): string =>
  Object.values(ids)
    .reduce((result, id) => result.replaceAll(id, 'ID'), text)
    .replaceAll(/"requestId":"[^"]*"/g, '');

test('every procedure has a case here', () => {
  expect(Object.keys(CASES).toSorted()).toEqual(PROCEDURES.map(({ path }) => path).toSorted());
});

describe.each(PROCEDURES)('$path', (procedure) => {
  const { path } = procedure;
  const made = CASES[path];
  const inputFor = (ids: Ids) => (made && 'names' in made ? made.names(ids) : made?.own);

  test('without a key it is refused', async () => {
    const { text } = await call(procedure, inputFor(theirs), undefined);
    expect(text).toContain('unauthenticated');
  });

  test("another tenant's row is answered exactly as an unknown id", async () => {
    if (!made || !('names' in made)) {
      const { text } = await call(procedure, inputFor(theirs), keys.stranger);
      for (const id of Object.values(theirs)) expect(text).not.toContain(id);
      return;
    }
    const [foreign, unknown] = await Promise.all([
      call(procedure, inputFor(theirs), keys.stranger),
      call(procedure, inputFor(UNKNOWN), keys.stranger),
    ]);
    expect(comparable(foreign.text, theirs)).toBe(comparable(unknown.text, UNKNOWN));
    expect(foreign.status).toBe(unknown.status);
    expect(foreign.text).toContain('not_found');
  });

  test("a colleague's row is answered as an unknown id, except to operators and artifacts of the tenant", async () => {
    if (!made || !('names' in made) || path.startsWith('artifact.')) return;
    const { text } = await call(procedure, inputFor(theirs), keys.colleague);
    expect(text).toContain(OPERATOR_ONLY.includes(path) ? 'forbidden' : 'not_found');
  });

  test('a key for operators or for runners opens what its role needs and nothing else', async () => {
    const asUser = await call(procedure, inputFor(UNKNOWN), keys.user);
    const asRunner = await call(procedure, inputFor(UNKNOWN), keys.runner);
    expect(asUser.text.includes('"forbidden"')).toBe(OPERATOR_ONLY.includes(path));
    expect(asRunner.text.includes('"forbidden"')).toBe(!FOR_RUNNERS.includes(path));
  });
});

test('lists show the own sessions, and the whole tenant to its operators', async () => {
  const listed = async (key: string) =>
    (await product.send('GET', '/api/sessions', { key })).body.items.map(
      ({ sessionId }) => sessionId,
    );
  expect(await listed(keys.user)).toContain(theirs.sessionId);
  expect(await listed(keys.operator)).toContain(theirs.sessionId);
  expect(await listed(keys.colleague)).not.toContain(theirs.sessionId);
  expect(await listed(keys.stranger)).not.toContain(theirs.sessionId);
});

test("a plain event stream of another tenant's session is refused with 404 before it begins", async () => {
  const answer = await product.send('GET', `/api/sessions/${theirs.sessionId}/events`, {
    key: keys.stranger,
    headers: { accept: 'text/event-stream' },
  });
  expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
});

test("over a WebSocket too, another tenant's session is not to be followed, nor read", async () => {
  using socket = overSocket(product.url, keys.stranger);
  const ask = (sessionId: string) =>
    new Promise<string>((resolve) => {
      socket.trpc.session.events.subscribe(
        { sessionId },
        { onError: ({ message }) => resolve(message), onData: () => resolve('data') },
      );
    });
  const unknown = await ask(UNKNOWN.sessionId);
  expect((await ask(theirs.sessionId)).replace(theirs.sessionId, 'ID')).toBe(
    unknown.replace(UNKNOWN.sessionId, 'ID'),
  );
  await expect(
    socket.trpc.session.get.query({ sessionId: theirs.sessionId }),
  ).rejects.toMatchObject({
    data: { code: 'not_found' },
  });
});

test("another tenant's artifact is not to be had as bytes either", async () => {
  const path = `/api/artifacts/${theirs.artifact}`;
  expect((await product.send('GET', path, { key: keys.stranger })).status).toBe(404);
  const own = await product.send('GET', path, { key: keys.user });
  expect(own.body['text']).toBe('secret');
});

// A session's id is its workflow's id, so it is one for all tenants, and a stranger who brings it cannot be given a session. That it is used
// somewhere is all that the answer may show; it holds 74 random bits, so only those who were given it can ask.
test("a session under another tenant's id is refused without showing it", async () => {
  const taken = await product.send('POST', '/api/sessions', {
    key: keys.stranger,
    body: { sessionId: theirs.sessionId },
  });
  expect([taken.status, taken.body.code]).toEqual([409, 'idempotency_conflict']);
  // Word for word what the id's own owner hears of a different request.
  const own = await product.send('POST', '/api/sessions', {
    key: keys.user,
    body: { sessionId: theirs.sessionId },
  });
  const { requestId: _, ...said } = taken.body;
  expect(own.body).toMatchObject(said);
});
