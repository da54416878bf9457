import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { systemResolve } from '../../../activities/tools/fetch/request.ts';
import { at, fetching, openWebsite, redirecting, resolving, saying } from './website.ts';

const denied = { code: 'tool_denied' };
const failed = { code: 'tool_failed' };

describe('fetch_url reads', () => {
  it('a text, with one line about the answer', async () => {
    await using site = await openWebsite(saying('hello'));
    const url = at(site.port);
    expect(await fetching({ url }, { settings: { ports: [site.port] } })).toBe(
      `200 OK · text/plain · ${url}\n\nhello`,
    );
  });

  it('a web page as text', async () => {
    const page = '<title>T</title><script>evil()</script><p>Hi <a href="/x">there</a>';
    await using site = await openWebsite(saying(page, { 'content-type': 'text/html' }));
    const ports = [site.port];
    const text = await fetching({ url: at(site.port) }, { settings: { ports } });
    expect(text).toContain(`# T\n\nHi there (http://public.test:${site.port}/x)`);
    expect(text).not.toContain('evil');
  });

  it('only the headline with HEAD', async () => {
    await using site = await openWebsite(saying('hello'));
    const text = await fetching(
      { url: at(site.port), method: 'HEAD' },
      { settings: { ports: [site.port] } },
    );
    expect(text).toBe(`200 OK · text/plain · ${at(site.port)}`);
  });

  it('an error page, with its status', async () => {
    await using site = await openWebsite((_, response) => response.writeHead(404).end('gone'));
    expect(await fetching({ url: at(site.port) }, { settings: { ports: [site.port] } })).toMatch(
      /^404 Not Found · no type · .*\n\ngone$/,
    );
  });

  it.each([
    ['gzip', gzipSync('packed')],
    ['deflate', deflateSync('packed')],
    ['br', brotliCompressSync('packed')],
    ['zstd', zstdCompressSync('packed')],
    ['gzip, br', brotliCompressSync(gzipSync('packed'))],
  ])('what is packed as %s', async (encoding, body) => {
    const headers = { 'content-type': 'text/plain', 'content-encoding': encoding };
    await using site = await openWebsite(saying(body, headers));
    const text = await fetching({ url: at(site.port) }, { settings: { ports: [site.port] } });
    expect(text).toMatch(/\n\npacked$/);
  });

  it('another charset', async () => {
    const headers = { 'content-type': 'text/plain; charset="ISO-8859-1"' };
    await using site = await openWebsite(saying(Buffer.from('café', 'latin1'), headers));
    const text = await fetching({ url: at(site.port) }, { settings: { ports: [site.port] } });
    expect(text).toMatch(/café$/);
  });
});

describe('fetch_url refuses', () => {
  it.each([
    ['a decimal address', 'http://2130706433/'],
    ['an octal address', 'http://0177.0.0.1/'],
    ['a hexadecimal address', 'http://0x7f000001/'],
    ['an address of mixed parts', 'http://0x7f.1/'],
    ['a short address', 'http://127.1/'],
    ['the address of everything', 'http://0/'],
    ['a private address', 'http://10.0.0.1/'],
    ['another private one', 'http://172.16.3.4/'],
    ['a third private one', 'http://192.168.1.1/'],
    ['the metadata of a cloud', 'http://169.254.169.254/latest/meta-data/'],
    ['the metadata of a cloud by IPv6', 'http://[fd00:ec2::254]/'],
    ['the wire server of a cloud', 'http://168.63.129.16/'],
    ['an address of a carrier', 'http://100.64.0.1/'],
    ['loopback by IPv6', 'http://[::1]/'],
    ['everything by IPv6', 'http://[::]/'],
    ['a link-local address', 'http://[fe80::1]/'],
    ['a mapped address', 'http://[::ffff:127.0.0.1]/'],
    ['a mapped address in hexadecimal', 'http://[::ffff:7f00:1]/'],
    ['a compatible address', 'http://[::127.0.0.1]/'],
    ['a 6to4 address', 'http://[2002:7f00:1::]/'],
    ['a Teredo address', 'http://[2001:0:7f00:1::]/'],
    ['a NAT64 address', 'http://[64:ff9b::7f00:1]/'],
    ['a local NAT64 address', 'http://[64:ff9b:1::7f00:1]/'],
    ['an ISATAP address', 'http://[2600:1::5efe:7f00:1]/'],
    ['full-width digits', 'http://１２７.０.０.１/'],
    ['circled digits', 'http://①②⑦.0.0.1/'],
    ['ideographic full stops', 'http://127。0。0。1/'],
    ['a percent-encoded address', 'http://%31%32%37.0.0.1/'],
    ['a trailing dot', 'http://127.0.0.1./'],
    ['a multicast address', 'http://224.0.0.1/'],
    ['a reserved address', 'http://240.0.0.1/'],
    ['a zone', 'http://[fe80::1%25eth0]/'],
    ['a user', 'http://example.com@127.0.0.1/'],
    ['a user with a password', 'http://a:b@example.com/'],
    ['a backslash before a user', 'http://127.0.0.1\\@example.com/'],
    ['a tab in the name', 'http://127.0\t.0.1/'],
    ['a file', 'file:///etc/passwd'],
    ['data', 'data:text/plain,hello'],
    ['gopher', 'gopher://127.0.0.1:70/'],
    ['FTP', 'ftp://example.com/'],
    ['a port of another service', 'http://example.com:6379/'],
    ['what is no URL', 'example.com'],
    ['nothing', ''],
  ])('%s', async (_, url) => {
    const resolve = resolving({});
    await expect(fetching({ url }, { resolve })).rejects.toMatchObject(denied);
  });

  it.each(['localhost', 'localhost.', 'LOCALHOST'])(
    'the name %s as the machine knows it',
    async (name) => {
      await using site = await openWebsite(saying('inside'));
      const settings = { ports: [site.port] };
      await expect(
        fetching({ url: at(site.port, name) }, { settings, resolve: systemResolve }),
      ).rejects.toMatchObject(denied);
      expect(site.asked).toEqual([]);
    },
  );

  it.each(['127.0.0.1', '::1', '::ffff:10.0.0.1', '93.184.215.14 10.0.0.1', 'fe80::1%eth0'])(
    'a name that leads to %s',
    async (address) => {
      const resolve = resolving({ 'evil.test': [address] });
      const refusal = fetching({ url: 'http://evil.test/' }, { resolve });
      await expect(refusal).rejects.toMatchObject(denied);
      // Of the network inside it learns nothing.
      await expect(refusal).rejects.not.toThrow(/10\.0|127\.0/);
    },
  );

  it('a redirect to a private address', async () => {
    await using inside = await openWebsite(saying('inside'), { address: '127.0.0.2' });
    await using site = await openWebsite(redirecting(() => `http://127.0.0.2:${inside.port}/`));
    const settings = { ports: [site.port, inside.port] };
    await expect(fetching({ url: at(site.port) }, { settings })).rejects.toMatchObject(denied);
    expect(inside.asked).toEqual([]);
  });

  it.each(['file:///etc/passwd', 'http://a:b@public.test/', 'http://public.test:22/'])(
    'a redirect to %s',
    async (to) => {
      await using site = await openWebsite(redirecting(() => to));
      const settings = { ports: [site.port] };
      await expect(fetching({ url: at(site.port) }, { settings })).rejects.toMatchObject(denied);
    },
  );

  it('a name that is public when it is looked at and private a moment later', async () => {
    await using inside = await openWebsite(saying('inside'), { address: '127.0.0.2' });
    await using site = await openWebsite(
      redirecting((at) => (at === '/again' ? '/twice' : undefined)),
      { port: inside.port },
    );
    const settings = { ports: [site.port], privateHosts: ['127.0.0.1/32'] };
    const rebinding = () => resolving({ 'rebind.test': ['127.0.0.1', '127.0.0.2'] });
    // One look only: the connection goes to what was checked.
    const once = rebinding();
    const url = at(site.port, 'rebind.test');
    expect(await fetching({ url }, { settings, resolve: once })).toContain('arrived');
    expect(once.questions).toEqual(['rebind.test']);
    // A redirect looks again, and checks again.
    const again = fetching({ url: `${url}again` }, { settings, resolve: rebinding() });
    await expect(again).rejects.toMatchObject(denied);
    expect(inside.asked).toEqual([]);
  });

  it('hosts that the configuration denies or does not allow', async () => {
    const ask = (host: string, settings: object) =>
      fetching({ url: `http://${host}/` }, { settings });
    const denyHosts = ['*.evil.test', 'bad.test'];
    for (const host of ['a.evil.test', 'BAD.test', 'bad.test.'])
      await expect(ask(host, { denyHosts })).rejects.toMatchObject(denied);
    await expect(ask('elsewhere.test', { allowHosts: ['docs.test'] })).rejects.toMatchObject(
      denied,
    );
    await expect(ask('notdocs.test', { allowHosts: ['*.docs.test'] })).rejects.toMatchObject(
      denied,
    );
  });

  it('to follow redirects for ever', async () => {
    await using site = await openWebsite(redirecting((path) => `${path}x`));
    const settings = { ports: [site.port] };
    await expect(fetching({ url: at(site.port) }, { settings })).rejects.toMatchObject(failed);
    expect(site.asked).toHaveLength(6);
  });

  it('what is no text, whatever its type says', async () => {
    const png = Buffer.from([0x89, 0x50, 0, 0]);
    await using image = await openWebsite(saying(png, { 'content-type': 'image/png' }));
    await using liar = await openWebsite(saying(png));
    for (const { port } of [image, liar])
      await expect(
        fetching({ url: at(port) }, { settings: { ports: [port] } }),
      ).rejects.toMatchObject(failed);
  });

  it.each(['compress', 'gzip, gzip, gzip', '__proto__'])(
    'what is packed as %s',
    async (encoding) => {
      const headers = { 'content-type': 'text/plain', 'content-encoding': encoding };
      await using site = await openWebsite(saying('?', headers));
      await expect(
        fetching({ url: at(site.port) }, { settings: { ports: [site.port] } }),
      ).rejects.toMatchObject(failed);
    },
  );
});
