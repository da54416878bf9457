// An MCP server over HTTP that packs much into little: what it unpacks to is counted, not what was sent.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { httpTransport } from '../../../activities/tools/mcp/http-transport.ts';

const MUCH = Buffer.alloc(256 * 1024 * 1024, ' ');
const quickly = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

test.each([
  ['gzip', 'application/json', () => gzipSync(MUCH)],
  ['br', 'application/json', () => brotliCompressSync(MUCH, quickly)],
  ['gzip', 'text/event-stream', () => gzipSync(MUCH)],
])('a bomb of %s as %s is not unpacked to its end', async (encoding, type, pack) => {
  const body = pack();
  expect(body.length).toBeLessThan(1024 * 1024);
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': type, 'content-encoding': encoding }).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const failed = Promise.withResolvers<Error>();
  const transport = Object.assign(httpTransport(`http://127.0.0.1:${port}/mcp`, {}), {
    onerror: failed.resolve,
  });
  await transport.start();
  const before = process.memoryUsage().rss;
  transport.send({ jsonrpc: '2.0', id: 1, method: 'ping' }).catch(failed.resolve);
  expect((await failed.promise).message).toContain('a message of more than 16777216 bytes');
  expect(process.memoryUsage().rss - before).toBeLessThan(128 * 1024 * 1024);
  await transport.close();
  server.close();
  server.closeAllConnections();
});
