// Every result that a client may give, by each of the four doors there are: what counts, what is refused with which code, and that a refusal changes nothing.
import { TRPCClientError } from '@trpc/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId, type CallId, type SessionId } from '../../contracts/ids.ts';
import { MAX_ARTIFACT_BYTES } from '../../contracts/limits.ts';
import type { ToolAnswer } from '../../contracts/tools.ts';
import { eventually, startFixture, type Fixture } from './support/fixture.ts';
import { overHttp } from './support/trpc.ts';

let product: Fixture;
beforeAll(async () => {
  product = await startFixture({ worker: true });
});
afterAll(() => product[Symbol.asyncDispose]());

interface Given {
  readonly sessionId: SessionId;
  readonly callId: CallId;
  readonly outcome: unknown;
}
/** `ok`, or the code of the refusal. */
type Door = (given: Given) => Promise<string>;

const overRest = async (path: string, body: object): Promise<string> => {
  const answer = await product.send('POST', path, { body });
  return answer.status === 202 ? 'ok' : `${answer.status} ${answer.body.code}`;
};
const overTrpc = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'ok',
    (error: unknown) => {
      if (!(error instanceof TRPCClientError)) throw error;
      const { httpStatus, code } = error.data as { httpStatus: number; code: string };
      return `${httpStatus} ${code}`;
    },
  );

const DOORS: readonly (readonly [string, Door])[] = [
  [
    'REST, by its session',
    ({ sessionId, ...body }) => overRest(`/api/sessions/${sessionId}/tool-results`, body),
  ],
  [
    'REST, by its call',
    ({ callId, outcome }) => overRest(`/api/tools/${callId}/result`, { outcome }),
  ],
  [
    'tRPC, by its session',
    (given) => overTrpc(overHttp(product.url).tool.resultOfSession.mutate(given as never)),
  ],
  [
    'tRPC, by its call',
    ({ callId, outcome }) =>
      overTrpc(
        overHttp(product.url).tool.result.mutate({ callId, outcome: outcome as ToolAnswer }),
      ),
  ],
];

const completed = (result: unknown) => ({ status: 'completed', result });

/** A session that waits for the answer of one call. */
async function asked(tool: object = {}) {
  const { sessionId } = (
    await product.send('POST', '/api/sessions', {
      body: {
        tools: [{ name: 'ask', description: 'x', inputSchema: { type: 'object' }, ...tool }],
        message: 'call=ask{}',
      },
    })
  ).body;
  const call = await eventually(
    async () => (await eventsOf(sessionId)).find(({ type }) => type === 'tool.requested'),
    (event) => event !== undefined,
  );
  const { callId } = call!.data as { callId: CallId };
  return { sessionId, callId };
}

const eventsOf = async (sessionId: SessionId) =>
  (await product.journal.events.read(sessionId, { after: 0, limit: 1_000 })).events;

const settledTurn = (sessionId: SessionId) =>
  eventually(
    () => eventsOf(sessionId),
    (events) => events.some(({ type }) => type === 'turn.settled'),
  );

/** What the model was told of its call. */
const toldOf = (callId: CallId): readonly unknown[] => {
  const { messages } = product.models.requests.at(-1)!.body as {
    messages: { tool_call_id?: string; content: unknown }[];
  };
  return messages.filter(({ tool_call_id: id }) => id === callId).map(({ content }) => content);
};

describe.each(DOORS)('a result over %s', (_, give) => {
  test('counts once: the same again is harmless in any order of its keys, another is refused', async () => {
    const call = await asked();
    expect(await give({ ...call, outcome: completed({ a: 1, b: [{ c: 2, d: 3 }] }) })).toBe('ok');
    const events = await settledTurn(call.sessionId);
    expect(await give({ ...call, outcome: completed({ b: [{ d: 3, c: 2 }], a: 1 }) })).toBe('ok');
    for (const outcome of [completed('other'), { status: 'failed', message: 'after all' }])
      expect(await give({ ...call, outcome })).toBe('409 result_duplicate');
    expect(await eventsOf(call.sessionId)).toEqual(events);
    expect(toldOf(call.callId)).toEqual([JSON.stringify({ a: 1, b: [{ c: 2, d: 3 }] })]);
  });

  test('is late when its turn was interrupted', async () => {
    const call = await asked();
    await product.send('POST', `/api/sessions/${call.sessionId}/interrupt`);
    const events = await settledTurn(call.sessionId);
    expect(await give({ ...call, outcome: completed('late') })).toBe('409 result_late');
    expect(await eventsOf(call.sessionId)).toEqual(events);
  });

  test('is late when its time was over', async () => {
    const call = await asked({ timeoutMs: 1_000, effect: 'read' });
    await product.send('POST', `/api/tools/${call.callId}/claim`, { body: { holder: 'me' } });
    const events = await settledTurn(call.sessionId);
    expect(events.find(({ type }) => type === 'tool.settled')?.data).toMatchObject({
      outcome: 'timed_out',
    });
    expect(await give({ ...call, outcome: completed('late') })).toBe('409 result_late');
    expect(await eventsOf(call.sessionId)).toEqual(events);
  });

  test('of a call that there is none of, or that nobody outside may answer, is not found', async () => {
    const call = await asked({ approval: 'always' });
    const unknown = { ...call, callId: newId('call') };
    const events = await eventsOf(call.sessionId);
    expect(await give({ ...unknown, outcome: completed(1) })).toBe('404 not_found');
    // A person has not approved it yet.
    expect(await give({ ...call, outcome: completed(1) })).toBe('404 not_found');
    expect(await eventsOf(call.sessionId)).toEqual(events);
    await product.send('POST', `/api/sessions/${call.sessionId}/stop`);
  });

  test('in a wrong form, or with a file that there is none of, leaves the call open', async () => {
    const call = await asked();
    const artifact = { artifact: `sha256_${'0'.repeat(64)}`, mediaType: 'text/plain', bytes: 1 };
    for (const outcome of [{}, { status: 'completed', result: 1, artifact }, { status: 'maybe' }])
      expect(await give({ ...call, outcome })).toBe('400 invalid_input');
    expect(await give({ ...call, outcome: { status: 'completed', artifact } })).toBe(
      '404 not_found',
    );
    expect(await give({ ...call, outcome: completed('fine') })).toBe('ok');
    await settledTurn(call.sessionId);
    expect(toldOf(call.callId)).toEqual(['fine']);
  });

  test('of 50 MB, or a byte more than may stand in a request, is refused, and the call can still be answered', async () => {
    const call = await asked();
    for (const bytes of [50 * 1024 * 1024, 1024 * 1024 + 1])
      expect(await give({ ...call, outcome: completed('x'.repeat(bytes)) })).toBe(
        '413 payload_too_large',
      );
    expect(await give({ ...call, outcome: completed('short') })).toBe('ok');
    await settledTurn(call.sessionId);
    expect(toldOf(call.callId)).toEqual(['short']);
  });
});

test('the call of another session is not found by this one', async () => {
  const [one, two] = [await asked(), await asked()];
  for (const [, give] of DOORS.filter(([name]) => name.includes('by its session')))
    expect(await give({ ...one, callId: two.callId, outcome: completed(1) })).toBe('404 not_found');
  for (const { sessionId } of [one, two])
    await product.send('POST', `/api/sessions/${sessionId}/stop`);
});

test('a large result goes by an upload, of which 50 MB are refused; the model reads what was sent beside it', async () => {
  const call = await asked();
  const upload = (bytes: number) =>
    product.send('POST', '/api/artifacts', {
      body: 'y'.repeat(bytes),
      headers: { 'content-type': 'text/plain' },
    });
  const refused = await upload(50 * 1024 * 1024);
  expect([refused.status, refused.body.code]).toEqual([413, 'payload_too_large']);
  const taken = await upload(MAX_ARTIFACT_BYTES);
  expect(taken.status).toBe(201);
  const [, give] = DOORS[0]!;
  const outcome = { status: 'completed', artifact: taken.body, preview: 'yyy and so on' };
  expect(await give({ ...call, outcome })).toBe('ok');
  await settledTurn(call.sessionId);
  const [said] = toldOf(call.callId);
  expect(said).toContain('yyy and so on');
  expect(said).toContain(`${MAX_ARTIFACT_BYTES} bytes`);
  expect(JSON.stringify(product.models.requests.at(-1)?.body).length).toBeLessThan(100_000);
});

test('a claim or a progress of a call that is over is late, and of none is not found', async () => {
  const call = await asked();
  await product.send('POST', `/api/sessions/${call.sessionId}/interrupt`);
  const events = await settledTurn(call.sessionId);
  const said = async (callId: CallId, what: 'claim' | 'progress') => {
    const body = { holder: 'me', ...(what === 'progress' && { message: 'half' }) };
    const answer = await product.send('POST', `/api/tools/${callId}/${what}`, { body });
    return `${answer.status} ${answer.body.code}`;
  };
  for (const what of ['claim', 'progress'] as const) {
    expect(await said(call.callId, what)).toBe('409 result_late');
    expect(await said(newId('call'), what)).toBe('404 not_found');
  }
  expect(await eventsOf(call.sessionId)).toEqual(events);
});
