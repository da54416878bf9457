import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer as createTlsServer } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { at, fetching, openWebsite, resolving, saying } from './website.ts';

const denied = { code: 'tool_denied' };
const failed = { code: 'tool_failed' };

describe('fetch_url ends', () => {
  const much = (): Buffer => Buffer.alloc(256 * 1024 * 1024, 'a');
  const quickly = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
  it.each([
    ['gzip', () => gzipSync(much(), { level: 1 })],
    ['deflate', () => deflateSync(much(), { level: 1 })],
    ['br', () => brotliCompressSync(much(), quickly)],
    ['zstd', () => zstdCompressSync(much())],
    ['gzip, gzip', () => gzipSync(gzipSync(much(), { level: 1 }))],
  ])('after its limit of bytes, however small they came: %s', async (encoding, pack) => {
    const bomb = pack();
    const headers = { 'content-type': 'text/plain', 'content-encoding': encoding };
    await using site = await openWebsite(saying(bomb, headers));
    const before = process.memoryUsage().rss;
    const settings = { ports: [site.port], maxBytes: 10_000 };
    const text = await fetching({ url: at(site.port) }, { settings });
    expect(text).toMatch(/a\n\[Only the first 10000 bytes were read.\]$/);
    expect(text.length).toBeLessThan(11_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * 1024 * 1024);
  });

  it('with a body that has no end', async () => {
    await using site = await openWebsite((_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      const more = (): void => {
        while (!response.destroyed && response.write('more '.repeat(1_000)));
      };
      response.on('drain', more);
      more();
    });
    const settings = { ports: [site.port], maxBytes: 50_000 };
    expect(await fetching({ url: at(site.port) }, { settings })).toContain('Only the first 50000');
  });

  it('with headers that drip', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write('x-slow: 1\r\n'), 20);
      socket.on('close', () => clearInterval(timer));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const settings = { ports: [port], headersMs: 300 };
    await expect(fetching({ url: at(port) }, { settings })).rejects.toThrow(
      'No answer within 0.3 s',
    );
    await new Promise((resolve) => server.close(resolve));
  });

  it('with a body that drips', async () => {
    await using site = await openWebsite((_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      const timer = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(timer));
    });
    const settings = { ports: [site.port], totalMs: 400 };
    await expect(fetching({ url: at(site.port) }, { settings })).rejects.toThrow('within 0.4 s');
  });

  it('when a name is not resolved in time', async () => {
    const resolve = () => new Promise<never>(() => undefined);
    await expect(
      fetching({ url: 'http://slow.test/' }, { resolve, settings: { totalMs: 50 } }),
    ).rejects.toMatchObject(failed);
  });

  it('when it is stopped', async () => {
    const stop = new AbortController();
    await using site = await openWebsite(() => stop.abort(new Error('stopped')));
    const settings = { ports: [site.port] };
    await expect(
      fetching({ url: at(site.port) }, { settings, signal: stop.signal }),
    ).rejects.toThrow('stopped');
  });

  it('as a fault that may be tried again when the server breaks off', async () => {
    await using site = await openWebsite((_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    const error = await fetching(
      { url: at(site.port) },
      { settings: { ports: [site.port] } },
    ).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toHaveProperty('code', 'tool_failed');
  });
});

describe('fetch_url over https', () => {
  it('trusts certified names only, and follows no redirect to http', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'perdure-tls-'));
    const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
    const options = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=public.test -addext subjectAltName=DNS:public.test -keyout ${key} -out ${cert}`;
    execFileSync('openssl', options.split(' '), { stdio: 'ignore' });
    const server = createTlsServer(
      { key: await readFile(key), cert: await readFile(cert) },
      (request, response) => {
        if (request.url === '/') response.end('secure');
        else response.writeHead(302, { location: 'http://public.test/' }).end();
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const settings = { ports: [port, 80], privateHosts: ['127.0.0.1'] };
    const resolve = resolving({ 'public.test': ['127.0.0.1'], 'other.test': ['127.0.0.1'] });
    const ask = (url: string) => fetching({ url }, { settings, resolve });
    await expect(ask(`https://public.test:${port}/`)).rejects.toThrow(/certificate/);
    const usual = getCACertificates('default');
    setDefaultCACertificates([...usual, await readFile(cert, 'utf8')]);
    try {
      expect(await ask(`https://public.test:${port}/`)).toContain('secure');
      await expect(ask(`https://other.test:${port}/`)).rejects.toThrow(/altnames/);
      await expect(ask(`https://public.test:${port}/down`)).rejects.toMatchObject(denied);
    } finally {
      setDefaultCACertificates(usual);
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true });
    }
  });
});
