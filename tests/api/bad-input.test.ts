import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BAD_MESSAGES, nested } from './support/bad-messages.ts';
import { BAD_REQUESTS } from './support/bad-requests.ts';
import { startFixture, type Fixture } from './support/fixture.ts';

let product: Fixture;
let sessionId: string;
beforeAll(async () => {
  product = await startFixture();
  sessionId = (await product.send('POST', '/api/sessions', { body: {} })).body.sessionId;
});
afterAll(() => product[Symbol.asyncDispose]());

test.each([...BAD_MESSAGES, ...BAD_REQUESTS])(
  '$what is refused with $code',
  async ({ ask, status, code, field, says }) => {
    const answer = await product.send(...ask({ sessionId, folder: product.folder }));
    expect(answer.body).toMatchObject({ code, status });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body['type']).toBe(`/docs/errors/${code}`);
    expect(answer.body['requestId']).toBe(answer.headers.get('x-request-id'));
    if (field !== undefined) {
      expect(answer.body.field).toBe(field);
      expect(answer.body.detail).toContain(field);
    }
    if (says) expect(answer.body.detail).toMatch(says);
    expect(JSON.stringify(answer.body)).not.toMatch(/node_modules|\.ts:\d|at async/);
  },
);

describe('over tRPC', () => {
  const post = async (path: string, body: string) => {
    const response = await fetch(`${product.url}/trpc/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    return { status: response.status, text: await response.text() };
  };

  test('an error carries the same code, status, field and no stack', async () => {
    const { status, text } = await post('session.send', '{}');
    expect(status).toBe(400);
    const { text: start } = await post('session.start', '{"agent":"nobody"}');
    expect(JSON.parse(start)).toMatchObject({
      error: { data: { code: 'invalid_input', httpStatus: 400, field: 'agent', retryable: false } },
    });
    expect(text + start).not.toContain('stack');
  });

  test.each([
    ['JSON that is none', '{"agent":'],
    ['__proto__', '{"__proto__":{"admin":true}}'],
    ['a NUL', '{"title":"\\u0000"}'],
    ['JSON nested without end', `{"title":${nested(50_000)}}`],
  ])('%s is refused with invalid_input', async (_, body) => {
    const { status, text } = await post('session.start', body);
    expect([status, JSON.parse(text)]).toMatchObject([
      400,
      { error: { data: { code: 'invalid_input' } } },
    ]);
  });

  test('a procedure that does not exist is not_found', async () => {
    const { status, text } = await post('session.explode', '{}');
    expect([status, JSON.parse(text)]).toMatchObject([
      404,
      { error: { data: { code: 'not_found' } } },
    ]);
  });
});

test('a request id of the client is kept, a strange one replaced', async () => {
  const ask = async (id: string) =>
    (await product.send('GET', '/healthz', { headers: { 'x-request-id': id } })).headers.get(
      'x-request-id',
    );
  expect(await ask('trace-1')).toBe('trace-1');
  expect(await ask('a b"c')).not.toBe('a b"c');
});

test('an uploaded page can never run as a page of the API', async () => {
  const uploaded = await product.send('POST', '/api/artifacts?name=x.html', {
    body: '<script>alert(1)</script>',
    headers: { 'content-type': 'text/html' },
  });
  expect(uploaded.status).toBe(201);
  const { headers } = await product.send('GET', uploaded.headers.get('location') ?? '');
  expect(headers.get('content-disposition')).toMatch(/^attachment/);
  expect(headers.get('content-security-policy')).toContain('sandbox');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
});

test('no more than 64 KiB in one piece ever reaches Temporal, whatever the parts are', async () => {
  // Fifty references with the longest names in characters that take six bytes in JSON.
  const uploaded = await product.send('POST', '/api/artifacts', {
    body: 'x',
    headers: { 'content-type': 'text/plain' },
  });
  const part = { type: 'artifact', ...uploaded.body, name: '\u0001'.repeat(255) };
  const refused = await product.send('POST', `/api/sessions/${sessionId}/messages`, {
    body: {
      content: Array.from({ length: 50 }, () => part),
    },
  });
  expect([refused.status, refused.body.code]).toEqual([413, 'payload_too_large']);
});
