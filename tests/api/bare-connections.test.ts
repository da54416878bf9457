// Clients that speak no proper HTTP, or leave in the middle of it: each gets an answer where it can, and the process goes on.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startFixture, type Fixture } from './support/fixture.ts';

let product: Fixture;
beforeAll(async () => {
  product = await startFixture();
});
afterAll(() => product[Symbol.asyncDispose]());

const uncaught: Error[] = [];
const note = (error: Error) => void uncaught.push(error);
beforeEach(() => void process.on('uncaughtException', note));
afterEach(() => {
  process.off('uncaughtException', note);
  expect(uncaught.splice(0)).toEqual([]);
});

async function open(): Promise<Socket> {
  const { hostname, port } = new URL(product.url);
  const socket = connect(Number(port), hostname).on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

const upgrade = (path: string, { host = '127.0.0.1', key = 'dGhlIHNhbXBsZSBub25jZQ==' } = {}) =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`;

describe('a client that asks for a WebSocket and resets the connection ends nobody else', () => {
  test.each([
    ['at a wrong path', upgrade('/wrong')],
    ['with a strange host', upgrade('/trpc', { host: 'evil.example' })],
    ['with a handshake that is none', upgrade('/trpc', { key: 'x' })],
    ['where it is accepted', upgrade('/trpc')],
    ['where it is accepted, before it says who it is', upgrade('/trpc?connectionParams=1')],
  ])('%s', async (_, request) => {
    for (let time = 0; time < 10; time += 1) {
      const socket = await open();
      const closed = once(socket, 'close');
      socket.write(request);
      // At once, after some turns of the event loop, and with the answer read.
      if (time % 3 === 2) await once(socket, 'data');
      for (let turn = 0; turn < time; turn += 1) await new Promise(setImmediate);
      socket.resetAndDestroy();
      await closed;
      expect((await product.send('GET', '/healthz')).status).toBe(200);
    }
  });
});

async function answerTo(text: string): Promise<{ head: string; body: Record<string, unknown> }> {
  const socket = await open();
  socket.end(text);
  const answer = Buffer.concat(await Array.fromAsync(socket as AsyncIterable<Buffer>)).toString();
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  return { head, body: JSON.parse(body) as Record<string, unknown> };
}

const OTHER: readonly { what: string; text: string; status: number; says: RegExp }[] = [
  { what: 'no HTTP', text: 'GARBAGE\r\n\r\n', status: 400, says: /HTTP/ },
  {
    what: 'a header that is none',
    text: 'GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n',
    status: 400,
    says: /HTTP/,
  },
  {
    what: 'a length that is none',
    text: 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: a\r\n\r\n',
    status: 400,
    says: /HTTP/,
  },
  {
    what: 'a huge header',
    text: `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'a'.repeat(200_000)}\r\n\r\n`,
    status: 431,
    says: /16384 bytes/,
  },
];

test.each(OTHER)('$what is answered with a problem document', async ({ text, status, says }) => {
  const { head, body } = await answerTo(text);
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head).toContain('Content-Type: application/problem+json');
  const detail = expect.stringMatching(says) as unknown;
  expect(body).toMatchObject({ code: 'invalid_input', status, detail });
});
