import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, DIALECTS, startFixture, type Fixture } from './support/fixture.ts';

describe.each(DIALECTS)('with a journal on %s', (dialect) => {
  let product: Fixture;
  beforeAll(async () => {
    product = await startFixture({ dialect, worker: true });
  });
  afterAll(() => product[Symbol.asyncDispose]());

  const start = async (body: object = {}) => {
    const { body: started } = await product.send('POST', '/api/sessions', { body });
    return started.sessionId;
  };
  const stateOf = async (sessionId: string) =>
    (await product.send('GET', `/api/sessions/${sessionId}`)).body['state'];

  test('a session started with a message answers it, and its transcript, history and events tell so', async () => {
    const started = await product.send('POST', '/api/sessions', {
      body: { message: '#hello tokens=3' },
    });
    expect(started.status).toBe(201);
    const { sessionId, messageId } = started.body;
    await eventually(
      () => stateOf(sessionId),
      (state) => state === 'waiting',
    );
    const transcript = await product.send('GET', `/api/sessions/${sessionId}/transcript`);
    expect(transcript.body).toMatchObject({
      messages: [
        { role: 'user', id: messageId, content: [{ type: 'text', text: '#hello tokens=3' }] },
        {
          role: 'assistant',
          content: [{ type: 'text', text: expect.stringContaining('hello-3') }],
        },
      ],
      nextAfter: null,
    });
    const events = await product.send('GET', `/api/sessions/${sessionId}/events?after=0&limit=100`);
    expect(events.body).toMatchObject({ from: 1, nextAfter: events.body['to'] });
    const history = await product.send('GET', `/api/sessions/${sessionId}/history`);
    const types = (history.body['events'] as { type: string }[]).map(({ type }) => type);
    expect(types).toContain('turn.settled');
    expect(types).not.toContain('content.delta');
  });

  test('a message with ?wait= is answered with the reply and status 200', async () => {
    const sessionId = await start();
    const sent = await product.send('POST', `/api/sessions/${sessionId}/messages?wait=120s`, {
      body: { content: '#reply tokens=2' },
    });
    expect(sent.status).toBe(200);
    expect(sent.body).toMatchObject({
      sessionId,
      state: 'waiting',
      reply: { outcome: 'completed', text: expect.stringContaining('reply-2') },
    });
    // Which is what lists call the session by, as its start gave it no title.
    const { items } = (await product.send('GET', '/api/sessions?limit=1')).body;
    expect(items).toMatchObject([{ sessionId, title: '#reply tokens=2' }]);
  });

  test('a message without ?wait= is answered with 202 as soon as it is durable', async () => {
    const sessionId = await start();
    const sent = await product.send('POST', `/api/sessions/${sessionId}/messages`, {
      body: { content: 'hi' },
    });
    expect(sent.status).toBe(202);
    expect(sent.body).toMatchObject({ sessionId, messageId: expect.stringMatching(/^msg_/) });
  });

  test('a stopped session refuses messages with session_closed, and takes them again after reopening', async () => {
    const sessionId = await start();
    const stopped = await product.send('POST', `/api/sessions/${sessionId}/stop`);
    expect(stopped.status).toBe(202);
    await eventually(
      () => stateOf(sessionId),
      (state) => state === 'ended',
    );
    const refused = await product.send('POST', `/api/sessions/${sessionId}/messages`, {
      body: { content: 'x' },
    });
    expect([refused.status, refused.body.code]).toEqual([409, 'session_closed']);
    const sent = await product.send('POST', `/api/sessions/${sessionId}/messages?wait=120s`, {
      body: { content: '#again tokens=1', reopen: true },
    });
    expect(sent.body).toMatchObject({ reply: { outcome: 'completed' } });
  });

  test('session.reopen opens an ended session under its own id', async () => {
    const sessionId = await start();
    await product.send('POST', `/api/sessions/${sessionId}/stop`);
    await eventually(
      () => stateOf(sessionId),
      (state) => state === 'ended',
    );
    const reopened = await product.send('POST', `/api/sessions/${sessionId}/reopen`);
    expect([reopened.status, reopened.body['state']]).toEqual([202, 'waiting']);
    await eventually(
      () => stateOf(sessionId),
      (state) => state === 'waiting',
    );
  });

  test('stopping and reopening twice is harmless', async () => {
    const sessionId = await start();
    expect((await product.send('POST', `/api/sessions/${sessionId}/reopen`)).status).toBe(202);
    await product.send('POST', `/api/sessions/${sessionId}/stop`);
    await eventually(
      () => stateOf(sessionId),
      (state) => state === 'ended',
    );
    expect((await product.send('POST', `/api/sessions/${sessionId}/stop`)).status).toBe(202);
  });

  test('a message to a busy session with policy reject is refused with session_busy', async () => {
    const sessionId = await start({ message: '#slow tokens=4000 delay=50' });
    await eventually(
      () => stateOf(sessionId),
      (state) => state === 'streaming',
    );
    const refused = await product.send('POST', `/api/sessions/${sessionId}/messages`, {
      body: { content: 'now', policy: 'reject' },
    });
    expect([refused.status, refused.body.code]).toEqual([409, 'session_busy']);
    const interrupted = await product.send('POST', `/api/sessions/${sessionId}/interrupt`);
    expect(interrupted.status).toBe(202);
    await eventually(
      () => stateOf(sessionId),
      (state) => state === 'waiting',
    );
  });

  test('waiting messages are listed, edited, moved and removed', async () => {
    const sessionId = await start({ message: '#slow tokens=4000 delay=50' });
    await eventually(
      () => stateOf(sessionId),
      (state) => state === 'streaming',
    );
    const path = `/api/sessions/${sessionId}`;
    const send = async (content: string) =>
      (await product.send('POST', `${path}/messages`, { body: { content } })).body.messageId;
    const [first, second] = [await send('one'), await send('two')];
    const queue = () => product.send('GET', `${path}/queue`);
    await eventually(queue, ({ body }) => (body['messages'] as unknown[]).length === 2);
    const edit = (edit: object) => product.send('PATCH', `${path}/queue`, { body: { edit } });
    const moved = await edit({ action: 'move', messageId: second, position: 0 });
    expect(moved.body['messages']).toMatchObject([{ messageId: second }, { messageId: first }]);
    await edit({ action: 'edit', messageId: first, content: 'uno' });
    const removed = await edit({ action: 'remove', messageId: second });
    expect(removed.body['messages']).toMatchObject([{ messageId: first }]);
    const gone = await edit({ action: 'remove', messageId: second });
    expect([gone.status, gone.body.code]).toEqual([404, 'not_found']);
    await eventually(queue, ({ body }) => JSON.stringify(body).includes('uno'));
    await product.send('POST', `${path}/stop`);
  });

  test('?live=true shows what the workflow itself says', async () => {
    const sessionId = await start();
    // On a busy machine the workflow may take longer than the second that is waited for it.
    const shown = await eventually(
      () => product.send('GET', `/api/sessions/${sessionId}?live=true`),
      ({ body }) => body['liveError'] === undefined,
    );
    expect(shown.body).toMatchObject({ sessionId, live: { state: 'waiting', turns: 0 } });
  });

  test('a model that does not exist is refused by session.reconfigure, an existing one taken', async () => {
    const sessionId = await start();
    const change = (model: string) =>
      product.send('PATCH', `/api/sessions/${sessionId}`, { body: { model } });
    const refused = await change('nope');
    expect(refused.body).toMatchObject({ code: 'invalid_input', field: 'model' });
    expect((await change('other')).status).toBe(200);
  });

  test('a client tool is offered, claimed, answered, and late, other and unknown results are refused', async () => {
    const sessionId = await start({ agent: 'asker', message: 'call=ask{"question":"why"}' });
    const pending = await eventually(
      () => product.send('GET', `/api/tools/pending?sessionId=${sessionId}`),
      ({ body }) => (body['calls'] as unknown[]).length === 1,
    );
    const [call] = pending.body['calls'] as [{ callId: string }];
    expect(call).toMatchObject({ name: 'ask', arguments: { question: 'why' }, state: 'offered' });
    const claimed = await product.send('POST', `/api/tools/${call.callId}/claim`, {
      body: { holder: 'me' },
    });
    expect(claimed.body).toMatchObject({ state: 'leased', holder: 'me' });
    const stolen = await product.send('POST', `/api/tools/${call.callId}/claim`, {
      body: { holder: 'you' },
    });
    expect([stolen.status, stolen.body.code]).toEqual([409, 'result_late']);
    const progress = await product.send('POST', `/api/tools/${call.callId}/progress`, {
      body: { holder: 'me', message: 'half', fraction: 0.5 },
    });
    expect(progress.body).toEqual({ held: true });
    const answer = (result: unknown) =>
      product.send('POST', `/api/sessions/${sessionId}/tool-results`, {
        body: { callId: call.callId, outcome: { status: 'completed', result } },
      });
    expect((await answer('because')).status).toBe(202);
    expect((await answer('because')).status).toBe(202);
    const other = await answer('otherwise');
    expect([other.status, other.body.code]).toEqual([409, 'result_duplicate']);
    await eventually(
      () => stateOf(sessionId),
      (state) => state === 'waiting',
    );
    const unknown = await product.send(
      'POST',
      `/api/tools/call_01jd9rk0x3e8wvz5t2m4q7h6na/result`,
      {
        body: { outcome: { status: 'completed', result: 1 } },
      },
    );
    expect([unknown.status, unknown.body.code]).toEqual([404, 'not_found']);
  });

  test('the status of a session as a job answers 304 while nothing changed', async () => {
    const sessionId = await start();
    await eventually(
      () => stateOf(sessionId),
      (state) => state === 'waiting',
    );
    const path = `/api/jobs/${sessionId}/status`;
    const first = await product.send('GET', path);
    expect(first.body).toMatchObject({
      jobId: sessionId,
      state: 'queued',
      terminal: false,
      pollAfterMs: 5_000,
    });
    const etag = first.headers.get('etag') ?? '';
    expect((await product.send('GET', path, { headers: { 'if-none-match': etag } })).status).toBe(
      304,
    );
    await product.send('POST', `/api/sessions/${sessionId}/messages?wait=120s`, {
      body: { content: 'hi' },
    });
    const changed = await product.send('GET', path, { headers: { 'if-none-match': etag } });
    expect(changed.status).toBe(200);
  });

  test('content over 32 KiB travels as an artifact and reaches the model whole', async () => {
    const sessionId = await start();
    const text = `#big tokens=1 ${'x'.repeat(100_000)}`;
    const sent = await product.send('POST', `/api/sessions/${sessionId}/messages?wait=120s`, {
      body: { content: text },
    });
    expect(sent.body).toMatchObject({ reply: { outcome: 'completed' } });
    const transcript = await product.send('GET', `/api/sessions/${sessionId}/transcript`);
    expect(transcript.body['messages']).toMatchObject([
      { role: 'user', content: [{ type: 'artifact', bytes: text.length }] },
      { role: 'assistant' },
    ]);
    expect(product.models.requests.at(-1)?.user).toBe(text);
  });
});
