// The local owner's API, which asks for no key: web pages from elsewhere, and names that only point to this machine.
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startFixture, type Fixture } from '../api/support/fixture.ts';
import { answersIn, rawRequest } from './support/raw-request.ts';

let open: Fixture;
beforeAll(async () => {
  open = await startFixture();
});
afterAll(() => open[Symbol.asyncDispose]());

/** As a browser would for a page of somebody else: with headers that fetch does not let one set. */
const asPage = (path: string, method: string, headers: Record<string, string>) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    request(`${open.url}${path}`, { method, headers }, (response) => resolve(response.resume()))
      .on('error', reject)
      .end(method === 'POST' ? '{"user":"evil","role":"operator"}' : undefined);
  });

test.each<[string, [string, string, string]]>([
  ['a form', ['/api/keys', 'POST', 'text/plain']],
  ['a form of parts', ['/api/keys', 'POST', 'multipart/form-data; boundary=x']],
  ['a script', ['/api/keys', 'POST', 'application/json']],
  ['a call', ['/trpc/key.create', 'POST', 'application/json']],
  ['an upload', ['/api/artifacts', 'POST', 'image/png']],
  ['a stream', ['/trpc/context.changes', 'GET', 'text/plain']],
  ['a question whether it may', ['/api/keys', 'OPTIONS', 'text/plain']],
])('the local owner is not reached by %s on a page from elsewhere', async (_, door) => {
  const [path, method, type] = door;
  const origin = 'https://evil.example';
  const preflight = { 'access-control-request-method': 'POST' };
  const { statusCode, headers } = await asPage(path, method, {
    ...{ origin, 'content-type': type },
    ...(method === 'OPTIONS' && preflight),
  });
  expect(statusCode).toBe(403);
  expect(headers['access-control-allow-origin']).toBeUndefined();
  expect((await open.send('GET', '/api/keys')).body['keys']).toEqual([]);
});

test('the local owner is not reached by a socket of a page from elsewhere', async () => {
  const socket = new WebSocket(`${open.url.replace('http', 'ws')}/trpc`, {
    origin: 'https://evil.example',
  });
  socket.on('error', () => {});
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  expect(response.statusCode).toBe(403);
});

test.each([
  ...['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example', '127.0.0.1@evil.example'],
  ...['0.0.0.0', '169.254.169.254', 'localhost.', '[::ffff:7f00:1]', '127.0.0.1, evil.example'],
])('the local owner is not reached under the name %j', async (host) => {
  expect((await asPage('/api/system', 'GET', { host })).statusCode).toBeGreaterThan(399);
});

test.each([
  [
    'in the request’s first line',
    'GET http://evil.example/api/keys HTTP/1.1\r\nHost: evil.example',
  ],
  ['that is empty', 'GET /api/keys HTTP/1.1\r\nHost:'],
])('the local owner is not reached under a name %s', async (_, head) => {
  const answer = await rawRequest(open.url, `${head}\r\n\r\n`);
  expect([answersIn(answer), /^HTTP\/1\.1 40[03]/.test(answer)]).toEqual([1, true]);
});

test.each<[string, string]>([
  ['over REST', 'GET /api/system HTTP/1.1\r\n'],
  [
    'for a socket',
    'GET /trpc HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n',
  ],
])('a request with two hosts is refused %s, whichever stands first', async (_, head) => {
  for (const hosts of [
    'Host: localhost\r\nHost: evil.example',
    'host: localhost\r\nHOST: localhost',
  ]) {
    const answer = await rawRequest(open.url, `${head}${hosts}\r\n\r\n`);
    expect([answersIn(answer), answer.split('\r\n')[0]]).toEqual([1, 'HTTP/1.1 400 Bad Request']);
    expect(answer).toContain('\\"Host\\": expected once.');
  }
});
