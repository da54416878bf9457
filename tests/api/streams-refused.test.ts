// What is wrong with a tRPC subscription is answered with its own HTTP status before the stream begins.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newSecret } from '../../api/auth/secret.ts';
import { newId } from '../../contracts/ids.ts';
import { eventually, startFixture, type Fixture } from './support/fixture.ts';
import { overHttp } from './support/trpc.ts';

let product: Fixture;
let key: string;
let sessionId: string;
beforeAll(async () => {
  product = await startFixture({
    settings: { api: { requireKey: true, maxConnectionsPerUser: 1 } },
  });
  key = await product.key('acme', 'ann');
  sessionId = (await product.send('POST', '/api/sessions', { key, body: {} })).body.sessionId;
});
afterAll(() => product[Symbol.asyncDispose]());

interface Asked {
  readonly input?: unknown;
  /** Null: without one. */
  readonly key?: string | null;
  readonly lastEventId?: string;
  readonly procedure?: string;
}

/** As a browser's EventSource asks: the key as a connection parameter, the last number as a header. */
async function ask({ input = { sessionId }, lastEventId, procedure, ...asked }: Asked) {
  const given = asked.key === undefined ? key : asked.key;
  const query = new URLSearchParams({ input: JSON.stringify(input) });
  if (given !== null)
    query.set('connectionParams', JSON.stringify({ authorization: `Bearer ${given}` }));
  const response = await fetch(
    `${product.url}/trpc/${procedure ?? 'session.events'}?${query.toString()}`,
    {
      headers: {
        accept: 'text/event-stream',
        ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
      },
      signal: AbortSignal.timeout(60_000),
    },
  );
  return response;
}

const refusals: { what: string; asked: () => Asked | Promise<Asked>; is: [number, string] }[] = [
  {
    what: 'an unknown session',
    asked: () => ({ input: { sessionId: newId('ses') } }),
    is: [404, 'not_found'],
  },
  {
    what: "another tenant's session",
    asked: async () => ({ key: await product.key('globex', 'gus') }),
    is: [404, 'not_found'],
  },
  {
    what: 'an id that is none',
    asked: () => ({ input: { sessionId: 'nonsense' } }),
    is: [400, 'invalid_id'],
  },
  {
    what: 'a cursor beyond the head',
    asked: () => ({ input: { sessionId, after: 99_999 } }),
    is: [400, 'invalid_input'],
  },
  {
    what: 'a Last-Event-ID beyond the head',
    asked: () => ({ lastEventId: '99999' }),
    is: [400, 'invalid_input'],
  },
  {
    what: 'a Last-Event-ID that is no number',
    asked: () => ({ lastEventId: 'abc' }),
    is: [400, 'invalid_input'],
  },
  { what: 'no key', asked: () => ({ key: null }), is: [401, 'unauthenticated'] },
  { what: 'an unknown key', asked: () => ({ key: newSecret() }), is: [401, 'unauthenticated'] },
  {
    what: 'a role that may not',
    asked: async () => ({
      key: await product.key('acme', 'robot', 'runner'),
      procedure: 'context.changes',
    }),
    is: [403, 'forbidden'],
  },
];

test.each(refusals)('$what is answered with its own status and tRPC’s error', async (refusal) => {
  const answer = await ask(await refusal.asked());
  const [status, code] = refusal.is;
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    status,
    expect.stringMatching(/^application\/json/),
  ]);
  const { error } = (await answer.json()) as { error: { message: string; data: object } };
  expect(error.message).not.toBe('');
  expect(error.data).toMatchObject({ code, httpStatus: status, retryable: false });
});

test('too many connections are answered with 429 and Retry-After, and a place that is free again is given', async () => {
  const first = await ask({});
  expect([first.status, first.headers.get('content-type')]).toEqual([
    200,
    expect.stringMatching(/^text\/event-stream/),
  ]);
  for (const procedure of ['session.events', 'context.changes']) {
    const input = procedure === 'session.events' ? { sessionId } : {};
    const second = await ask({ procedure, input });
    expect([second.status, second.headers.get('retry-after')]).toEqual([429, '5']);
    expect(await second.json()).toMatchObject({
      error: { data: { code: 'too_many_connections', retryAfterMs: 5_000, retryable: true } },
    });
  }
  await first.body?.cancel();
  const third = await eventually(
    () => ask({}),
    ({ status }) => status === 200,
  );
  await third.body?.cancel();
  await eventually(
    () => product.registry.metrics(),
    (text) => /perdure_open_streams 0/.test(text),
  );
});

test('tRPC’s own client ends a refused subscription with an error instead of asking again', async () => {
  const trpc = overHttp(product.url, key);
  const error = await new Promise((resolve) => {
    trpc.session.events.subscribe({ sessionId: newId('ses') }, { onError: resolve });
  });
  expect(error).toBeInstanceOf(Error);
});
