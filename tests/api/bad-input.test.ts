import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../contracts/ids.ts';
import { startFixture, type Fixture, type RequestOptions } from './support/fixture.ts';

let product: Fixture;
let sessionId: string;
beforeAll(async () => {
  product = await startFixture();
  sessionId = (await product.send('POST', '/api/sessions', { body: {} })).body.sessionId;
});
afterAll(() => product[Symbol.asyncDispose]());

const long = (bytes: number): string => 'x'.repeat(bytes);
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const messages = () => `/api/sessions/${sessionId}/messages`;

interface Bad {
  readonly what: string;
  readonly ask: () => [string, string, RequestOptions?];
  readonly status: number;
  readonly code: string;
  readonly field?: string;
  readonly says?: RegExp;
}

const BAD: Bad[] = [
  {
    what: 'a malformed id',
    ask: () => ['GET', '/api/sessions/nope'],
    status: 400,
    code: 'invalid_id',
    field: 'sessionId',
    says: /expected "ses_"/,
  },
  {
    what: 'an id of another kind',
    ask: () => ['GET', `/api/sessions/${newId('msg')}`],
    status: 400,
    code: 'invalid_id',
  },
  {
    what: 'an id in capitals',
    ask: () => ['GET', `/api/sessions/${newId('ses').toUpperCase()}`],
    status: 400,
    code: 'invalid_id',
  },
  {
    what: 'an unknown id',
    ask: () => ['GET', `/api/sessions/${newId('ses')}`],
    status: 404,
    code: 'not_found',
  },
  {
    what: 'a malformed job id',
    ask: () => ['GET', '/api/jobs/7/status'],
    status: 400,
    code: 'invalid_id',
    says: /"ses_" or "task_"/,
  },
  {
    what: 'an unknown task',
    ask: () => ['GET', `/api/jobs/${newId('task')}/status`],
    status: 404,
    code: 'not_found',
  },
  {
    what: 'an empty message',
    ask: () => ['POST', messages(), { body: { content: '' } }],
    status: 400,
    code: 'invalid_input',
    field: 'content',
  },
  {
    what: 'a message without content',
    ask: () => ['POST', messages(), { body: {} }],
    status: 400,
    code: 'invalid_input',
    field: 'content',
    says: /expected/,
  },
  {
    what: 'content of the wrong type',
    ask: () => ['POST', messages(), { body: { content: 7 } }],
    status: 400,
    code: 'invalid_input',
    field: 'content',
    says: /expected string.*or.*expected array/,
  },
  {
    what: 'a part of an unknown kind',
    ask: () => ['POST', messages(), { body: { content: [{ type: 'video' }] } }],
    status: 400,
    code: 'invalid_input',
    field: 'content',
  },
  {
    what: 'a message that is too large',
    ask: () => ['POST', messages(), { body: { content: long(256 * 1024 + 1) } }],
    status: 413,
    code: 'payload_too_large',
    field: 'content',
  },
  {
    what: 'a body that is too large',
    ask: () => ['POST', messages(), { body: { content: long(3_000_000) } }],
    status: 413,
    code: 'payload_too_large',
  },
  {
    what: 'an artifact that does not exist',
    ask: () => [
      'POST',
      messages(),
      {
        body: {
          content: [
            {
              type: 'artifact',
              artifact: `sha256_${long(64).replaceAll('x', '0')}`,
              mediaType: 'text/plain',
              bytes: 1,
            },
          ],
        },
      },
    ],
    status: 404,
    code: 'not_found',
    field: 'content',
  },
  {
    what: 'an unknown field',
    ask: () => ['POST', messages(), { body: { content: 'x', colour: 'red' } }],
    status: 400,
    code: 'invalid_input',
    field: 'colour',
    says: /no such field/,
  },
  {
    what: 'an unknown policy',
    ask: () => ['POST', messages(), { body: { content: 'x', policy: 'shout' } }],
    status: 400,
    code: 'invalid_input',
    field: 'policy',
    says: /enqueue.*interrupt.*steer.*reject/,
  },
  {
    what: 'an unknown agent',
    ask: () => ['POST', '/api/sessions', { body: { agent: 'nobody' } }],
    status: 400,
    code: 'invalid_input',
    field: 'agent',
    says: /expected one of assistant, asker/,
  },
  {
    what: 'an agent named like a method of objects',
    ask: () => ['POST', '/api/sessions', { body: { agent: 'constructor' } }],
    status: 400,
    code: 'invalid_input',
    field: 'agent',
  },
  {
    what: 'an unknown model',
    ask: () => ['POST', '/api/sessions', { body: { model: 'nothing' } }],
    status: 400,
    code: 'invalid_input',
    field: 'model',
  },
  {
    what: 'a limit below its least',
    ask: () => ['POST', '/api/sessions', { body: { limits: { stepsPerTurn: 0 } } }],
    status: 400,
    code: 'invalid_input',
    field: 'limits.stepsPerTurn',
    says: />=1/,
  },
  {
    what: 'a workspace outside the roots',
    ask: () => ['POST', '/api/sessions', { body: { workspace: '/etc' } }],
    status: 403,
    code: 'forbidden',
    field: 'workspace',
  },
  {
    what: 'a workspace that climbs out of a root',
    ask: () => ['POST', '/api/sessions', { body: { workspace: `${product.folder}/..` } }],
    status: 403,
    code: 'forbidden',
    field: 'workspace',
  },
  {
    what: 'a workspace that does not exist',
    ask: () => ['POST', '/api/sessions', { body: { workspace: `${product.folder}/none` } }],
    status: 403,
    code: 'forbidden',
    field: 'workspace',
  },
  {
    what: 'a relative workspace',
    ask: () => ['POST', '/api/sessions', { body: { workspace: 'src' } }],
    status: 400,
    code: 'invalid_input',
    field: 'workspace',
    says: /absolute/,
  },
  {
    what: 'a file as workspace',
    ask: () => [
      'POST',
      '/api/sessions',
      { body: { workspace: `${product.folder}/journal.sqlite` } },
    ],
    status: 400,
    code: 'invalid_input',
    field: 'workspace',
    says: /folder/,
  },
  {
    what: 'JSON that is none',
    ask: () => ['POST', messages(), { body: '{"content":' }],
    status: 400,
    code: 'invalid_input',
    says: /not valid JSON/,
  },
  {
    what: 'JSON that is no object',
    ask: () => ['POST', messages(), { body: '[1]' }],
    status: 400,
    code: 'invalid_input',
    says: /JSON object/,
  },
  {
    what: 'another content type',
    ask: () => [
      'POST',
      messages(),
      { body: 'content=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    ],
    status: 400,
    code: 'invalid_input',
    says: /application\/json/,
  },
  {
    what: 'a NUL',
    ask: () => ['POST', messages(), { body: '{"content":"a\\u0000b"}' }],
    status: 400,
    code: 'invalid_input',
    field: 'content',
    says: /NUL/,
  },
  {
    what: 'half a surrogate pair',
    ask: () => ['POST', messages(), { body: '{"content":"\\ud83d"}' }],
    status: 400,
    code: 'invalid_input',
    field: 'content',
    says: /surrogate/,
  },
  {
    what: '__proto__',
    ask: () => ['POST', messages(), { body: '{"content":"x","__proto__":{"admin":true}}' }],
    status: 400,
    code: 'invalid_input',
  },
  {
    what: 'JSON nested without end',
    ask: () => ['POST', messages(), { body: `{"content":${nested(50_000)}}` }],
    status: 400,
    code: 'invalid_input',
    says: /deep/,
  },
  {
    what: 'a wait that is no time',
    ask: () => ['POST', `${messages()}?wait=soon`, { body: { content: 'x' } }],
    status: 400,
    code: 'invalid_input',
    field: 'wait',
    says: /20s/,
  },
  {
    what: 'a wait that is too long',
    ask: () => ['POST', `${messages()}?wait=1000s`, { body: { content: 'x' } }],
    status: 400,
    code: 'invalid_input',
    field: 'wait',
  },
  {
    what: 'a query that the path does not know',
    ask: () => ['POST', `${messages()}?content=x`, { body: {} }],
    status: 400,
    code: 'invalid_input',
    field: 'content',
    says: /body/,
  },
  {
    what: 'a page size that is none',
    ask: () => ['GET', '/api/sessions?limit=many'],
    status: 400,
    code: 'invalid_input',
    field: 'limit',
    says: /number/,
  },
  {
    what: 'a page size beyond the most',
    ask: () => ['GET', '/api/sessions?limit=201'],
    status: 400,
    code: 'invalid_input',
    field: 'limit',
    says: /200/,
  },
  {
    what: 'a cursor of nobody',
    ask: () => ['GET', '/api/sessions?cursor=%00'],
    status: 400,
    code: 'invalid_input',
    field: 'cursor',
  },
  {
    what: 'an event number below 0',
    ask: () => ['GET', `/api/sessions/${sessionId}/events?after=-1`],
    status: 400,
    code: 'invalid_input',
    field: 'after',
  },
  {
    what: 'an event number beyond the head',
    ask: () => ['GET', `/api/sessions/${sessionId}/events?after=1000`],
    status: 400,
    code: 'invalid_input',
    field: 'after',
    says: /beyond the last event/,
  },
  {
    what: 'an idempotency key that is too long',
    ask: () => ['POST', '/api/sessions', { body: {}, headers: { 'idempotency-key': long(201) } }],
    status: 400,
    code: 'invalid_input',
    field: 'Idempotency-Key',
  },
  {
    what: 'a path that leads nowhere',
    ask: () => ['GET', '/api/nothing'],
    status: 404,
    code: 'not_found',
  },
  {
    what: 'a method that the path does not know',
    ask: () => ['DELETE', '/api/sessions'],
    status: 404,
    code: 'not_found',
  },
  {
    what: 'a path that is no URL',
    ask: () => ['GET', '/api/sessions/%E0%A4%A'],
    status: 400,
    code: 'invalid_input',
  },
  {
    what: 'an empty artifact',
    ask: () => ['POST', '/api/artifacts', { headers: { 'content-type': 'text/plain' } }],
    status: 400,
    code: 'invalid_input',
  },
  {
    what: 'an artifact id that is none',
    ask: () => ['GET', '/api/artifacts/x'],
    status: 400,
    code: 'invalid_input',
    says: /sha256_/,
  },
  {
    what: 'a tool answer of no kind',
    ask: () => [
      'POST',
      `/api/tools/${newId('call')}/result`,
      { body: { outcome: { status: 'perhaps' } } },
    ],
    status: 400,
    code: 'invalid_input',
    field: 'outcome.status',
  },
];

test.each(BAD)('$what is refused with $code', async ({ ask, status, code, field, says }) => {
  const answer = await product.send(...ask());
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
});

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
    const { status, text } = await post('session.get', '{}');
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

  test('a batch of a thousand calls is refused whole', async () => {
    const paths = Array.from({ length: 1_000 }, () => 'agent.list').join(',');
    const response = await fetch(`${product.url}/trpc/${paths}?batch=1&input=%7B%7D`);
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
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
