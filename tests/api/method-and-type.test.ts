/** Requests whose path is right and whose method or content type is not: for every route there is. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { restRoutes } from '../../api/http/rest.ts';
import { newId } from '../../contracts/ids.ts';
import { startFixture, type Answer, type Fixture } from './support/fixture.ts';

let product: Fixture;
beforeAll(async () => {
  product = await startFixture({ settings: { api: { requestsPerMinute: 100_000 } } });
});
afterAll(() => product[Symbol.asyncDispose]());

const ROUTES = restRoutes().map(({ method, path }) => ({ method: String(method), path }));
const BYTES = [
  { method: 'POST', path: '/api/artifacts' },
  { method: 'GET', path: '/api/artifacts/:artifact' },
  { method: 'GET', path: '/healthz' },
  { method: 'GET', path: '/api/openapi.json' },
];
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const PATHS = [...new Set([...ROUTES, ...BYTES].map(({ path }) => path))];
const allowed = (path: string): string[] =>
  [...ROUTES, ...BYTES]
    .filter((route) => route.path === path)
    .map(({ method }) => method)
    .toSorted();
const urlOf = (path: string): string => path.replaceAll(/:\w+/g, newId('ses'));

function expectProblem({ status, headers, body }: Answer, expected: number): void {
  expect(status).toBe(expected);
  expect(headers.get('content-type')).toContain('application/problem+json');
  expect(body).toMatchObject({ status: expected, code: 'invalid_input', retryable: false });
}

test.each(PATHS)('%s answers 405 to every other method and says which it takes', async (path) => {
  for (const method of METHODS.filter((each) => !allowed(path).includes(each))) {
    const answer = await product.send(method, urlOf(path));
    expectProblem(answer, 405);
    expect(answer.headers.get('allow')).toBe(allowed(path).join(', '));
    expect(answer.body.detail).toContain(method);
  }
});

describe('a body that is no JSON', () => {
  const withBody = ROUTES.filter(({ method }) => !['GET', 'DELETE'].includes(method));
  test.each(withBody)('is answered 415 at $method $path', async ({ method, path }) => {
    for (const type of [
      'text/plain',
      'application/xml',
      'multipart/form-data; boundary=x',
      'json',
    ]) {
      const options = { body: '{"content":"x"}', headers: { 'content-type': type } };
      expectProblem(await product.send(method, urlOf(path), options), 415);
    }
  });
});

test('a path that is unknown, whatever the method, is not_found', async () => {
  for (const method of METHODS) {
    const { status, body } = await product.send(method, '/api/sessionsx');
    expect([status, body.code]).toEqual([404, 'not_found']);
  }
});

test('HEAD and OPTIONS are answered without a page and without a failure', async () => {
  const head = await product.send('HEAD', '/api/sessions');
  expect([head.status, head.headers.get('allow')]).toEqual([405, 'GET, POST']);
  const options = await product.send('OPTIONS', '/api/sessions');
  expect(options.status).toBeLessThan(500);
  expect(options.headers.get('content-type') ?? '').not.toContain('html');
});

test('over tRPC a wrong method and a wrong content type have the same statuses', async () => {
  const wrongMethod = await product.send('GET', '/trpc/session.start');
  const wrongType = await product.send('POST', '/trpc/session.start', {
    body: 'x',
    headers: { 'content-type': 'text/plain' },
  });
  expect([wrongMethod.status, wrongType.status]).toEqual([405, 415]);
  expect(wrongMethod.body).toMatchObject({
    error: { data: { code: 'invalid_input', httpStatus: 405 } },
  });
});
