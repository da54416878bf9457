import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../contracts/ids.ts';
import { eventually, DIALECTS, startFixture, uniqueName, type Fixture } from './support/fixture.ts';

describe.each(DIALECTS)('with a journal on %s', (dialect) => {
  let product: Fixture;
  beforeAll(async () => {
    product = await startFixture({ dialect, worker: true });
  });
  afterAll(() => product[Symbol.asyncDispose]());

  const keyed = (key: string, body: object) => ({ body, headers: { 'idempotency-key': key } });

  /** Where a session is that answers for longer than any test takes. */
  async function busySession(): Promise<string> {
    const body = { message: '#slow tokens=4000 delay=50' };
    const path = `/api/sessions/${(await product.send('POST', '/api/sessions', { body })).body.sessionId}`;
    await eventually(
      () => product.send('GET', path),
      ({ body }) => body['state'] === 'streaming',
    );
    return path;
  }

  /** How often the model was asked about this label. */
  const asked = (label: string): number =>
    product.models.requests.filter(({ user }) => user.includes(`#${label}`)).length;

  test('starting twice under one Idempotency-Key is one session and one message', async () => {
    const [key, label] = [uniqueName('key'), uniqueName('start')];
    const body = { message: `#${label} tokens=1` };
    const answers = await Promise.all(
      [1, 2, 3].map(() => product.send('POST', '/api/sessions', keyed(key, body))),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body.sessionId)).size).toBe(1);
    expect(new Set(answers.map(({ body }) => body.messageId)).size).toBe(1);
    const { sessionId } = answers[0]!.body;
    await eventually(
      () => product.send('GET', `/api/sessions/${sessionId}`),
      ({ body }) => body['state'] === 'waiting' && body['turns'] === 1,
    );
    expect(asked(label)).toBe(1);
  });

  test('another request under the same key or the same session id is an idempotency_conflict', async () => {
    const key = uniqueName('key');
    await product.send('POST', '/api/sessions', keyed(key, { title: 'one' }));
    const other = await product.send('POST', '/api/sessions', keyed(key, { title: 'two' }));
    expect([other.status, other.body.code]).toEqual([409, 'idempotency_conflict']);
    const sessionId = newId('ses');
    expect((await product.send('POST', '/api/sessions', { body: { sessionId } })).status).toBe(201);
    expect((await product.send('POST', '/api/sessions', { body: { sessionId } })).status).toBe(201);
    const changed = await product.send('POST', '/api/sessions', {
      body: { sessionId, title: 'x' },
    });
    expect(changed.body.code).toBe('idempotency_conflict');
  });

  test('sending twice under one key or message id is one message, another content a conflict, also after a restart of the API', async () => {
    const { sessionId } = (await product.send('POST', '/api/sessions', { body: {} })).body;
    const [key, label] = [uniqueName('key'), uniqueName('send')];
    const path = `/api/sessions/${sessionId}/messages`;
    const send = (content: string) =>
      product.send('POST', `${path}?wait=120s`, keyed(key, { content }));
    const first = await send(`#${label} tokens=1`);
    const second = await product.send('POST', path, keyed(key, { content: `#${label} tokens=1` }));
    expect(second.body.messageId).toBe(first.body.messageId);
    expect((await send('other')).body.code).toBe('idempotency_conflict');
    const repeated = await send(`#${label} tokens=1`);
    expect([repeated.status, repeated.body['reply']]).toEqual([200, first.body['reply']]);
    await product.restartApi();
    expect((await send('other')).body.code).toBe('idempotency_conflict');
    expect(
      (await product.send('POST', path, keyed(key, { content: `#${label} tokens=1` }))).status,
    ).toBe(202);
    await product.send('POST', `/api/sessions/${sessionId}/stop`);
    const session = () => product.send('GET', `/api/sessions/${sessionId}`);
    await eventually(session, ({ body }) => body['state'] === 'ended');
    expect((await send(`#${label} tokens=1`)).body['reply']).toEqual(first.body['reply']);
    expect(asked(label)).toBe(1);
  });

  test('one key is another session for another user', async () => {
    const key = uniqueName('key');
    const ann = await product.key('acme', 'ann');
    const bob = await product.key('acme', 'bob');
    const start = (own: string) =>
      product.send('POST', '/api/sessions', { ...keyed(key, {}), key: own });
    expect((await start(ann)).body.sessionId).not.toBe((await start(bob)).body.sessionId);
  });

  test('a start that stopped between the row and Temporal is completed by the next message', async () => {
    const sessionId = newId('ses');
    const label = uniqueName('half');
    await product.journal.sessions.create({
      ...{
        sessionId,
        tenant: 'local',
        user: 'local',
        digest: 'x',
        agent: 'assistant',
        model: 'fake',
      },
      ...{ workspace: null, context: null, title: null, externalId: null, tools: [], limits: {} },
    });
    const sent = await product.send('POST', `/api/sessions/${sessionId}/messages?wait=120s`, {
      body: { content: `#${label} tokens=1` },
    });
    expect(sent.body).toMatchObject({ reply: { outcome: 'completed' } });
  });

  test('the repeat of a queue edit under one key is the same edit', async () => {
    const path = await busySession();
    const { messageId } = (
      await product.send('POST', `${path}/messages`, { body: { content: 'x' } })
    ).body;
    const key = uniqueName('edit');
    const remove = () =>
      product.send('PATCH', `${path}/queue`, keyed(key, { edit: { action: 'remove', messageId } }));
    expect((await remove()).status).toBe(200);
    expect((await remove()).status).toBe(200);
    await product.send('POST', `${path}/stop`);
  });

  test('a key used for one change of a session is a conflict for another edit, another operation and other limits', async () => {
    const path = await busySession();
    const queued = await product.send('POST', `${path}/messages`, { body: { content: 'x' } });
    const { messageId } = queued.body;
    const key = uniqueName('edit');
    const patch = (where: string, body: object) => product.send('PATCH', where, keyed(key, body));
    const edit = { action: 'edit', messageId, content: 'y' };
    const first = await patch(`${path}/queue`, { edit });
    expect(first.status).toBe(200);
    const others = [
      await patch(`${path}/queue`, { edit: { action: 'remove', messageId } }),
      await patch(path, { model: 'other' }),
      await patch(path, { limits: { stepsPerTurn: 3 } }),
    ];
    for (const { status, body } of others)
      expect([status, body.code]).toEqual([409, 'idempotency_conflict']);
    expect((await product.send('GET', path)).body).toMatchObject({ model: 'fake', queued: 1 });
    expect((await patch(`${path}/queue`, { edit })).body).toEqual(first.body);
    await product.send('POST', `${path}/stop`);
  });

  test('creating a key twice under one Idempotency-Key makes one key; the repeat names it and cannot show it', async () => {
    const name = uniqueName('laptop');
    const create = (user: string, key?: string) =>
      product.send('POST', '/api/keys', { ...keyed(name, { user }), key });
    const answers = await Promise.all([1, 2, 3].map(() => create('kim')));
    const made = answers.filter(({ status }) => status === 201);
    expect(made).toHaveLength(1);
    const { keyId, key } = made[0]!.body as unknown as { keyId: string; key: string };
    for (const { status, body } of [...answers, await create('lee')]) {
      if (status === 201) continue;
      expect([status, body.code, body['retryable']]).toEqual([409, 'idempotency_conflict', false]);
      expect(body.detail).toContain(keyId);
      expect(JSON.stringify(body)).not.toContain(key);
    }
    const keys = (await product.send('GET', '/api/keys')).body['keys'] as { user: string }[];
    expect(keys.filter(({ user }) => user === 'kim' || user === 'lee')).toHaveLength(1);
    // It works, and another operator's Idempotency-Key of the same name is another request.
    expect((await product.send('GET', '/api/agents', { key })).status).toBe(200);
    const olga = await product.key('acme', 'olga', 'operator');
    expect((await create('kim', olga)).status).toBe(201);
  });

  test('a message id used for another content is refused by every API once the session has it; until then the second one is refused in the log', async () => {
    await using fleet = await startFixture({ dialect });
    const second = await fleet.addApi();
    const { sessionId } = (await fleet.send('POST', '/api/sessions', { body: {} })).body;
    const [messageId, label] = [newId('msg'), uniqueName('first')];
    const send = (api: Pick<Fixture, 'send'>, content: string, query = '') =>
      api.send('POST', `/api/sessions/${sessionId}/messages${query}`, {
        body: { messageId, content },
      });
    const [mine, other] = [`#${label} tokens=1`, '#other tokens=1'];
    expect((await send(fleet, mine)).status).toBe(202);
    // The API that sent it knows at once, another one does not: no worker runs, so the session has not taken it in.
    expect((await send(fleet, other)).body.code).toBe('idempotency_conflict');
    expect((await send(second, other)).status).toBe(202);
    const waiting = [fleet, second].map((api, index) =>
      send(api, [mine, other][index]!, '?wait=120s'),
    );
    await fleet.startWorker();
    const [won, lost] = await Promise.all(waiting);
    expect(won).toMatchObject({ status: 200, body: { reply: { outcome: 'completed' } } });
    expect(lost).toMatchObject({ status: 409, body: { code: 'idempotency_conflict' } });
    await eventually(
      () => fleet.send('GET', `/api/sessions/${sessionId}`),
      ({ body }) => body['turns'] === 1 && body['state'] === 'waiting',
    );
    expect(fleet.models.requests.map(({ user }) => user)).toEqual([mine]);
    const log = await fleet.send('GET', `/api/sessions/${sessionId}/history`);
    expect(log.body['events']).toContainEqual(
      expect.objectContaining({
        type: 'message.rejected',
        data: { messageId, error: expect.objectContaining({ code: 'idempotency_conflict' }) },
      }),
    );
    for (const api of [fleet, second]) {
      expect((await send(api, other)).body.code).toBe('idempotency_conflict');
      expect((await send(api, mine)).status).toBe(202);
    }
  });
});
