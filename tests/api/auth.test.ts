import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { networkInterfaces } from 'node:os';
import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newSecret } from '../../api/auth/secret.ts';
import { eventually, startFixture, type Fixture } from './support/fixture.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { overSocket } from './support/trpc.ts';

let open: Fixture;
beforeAll(async () => {
  open = await startFixture();
});
afterAll(() => open[Symbol.asyncDispose]());

/** With headers that fetch does not let one set. */
function get(url: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

test('on loopback without a key the caller is the local owner, an operator', async () => {
  const { body } = await open.send('GET', '/api/system');
  expect(body['you']).toEqual({ tenant: 'local', user: 'local', role: 'operator' });
});

test('beyond loopback it refuses to start without a key and says what to do', async () => {
  await expect(startFixture({ settings: { api: { host: '0.0.0.0' } } })).rejects.toThrow(
    /will not listen on 0\.0\.0\.0 without a key.*perdure keys create/s,
  );
});

test('beyond loopback, with a key from api.bootstrapKeyFile, only that key is let in', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'key');
  const key = newSecret();
  await writeFile(file, `${key}\n`);
  await using product = await startFixture({
    settings: { api: { host: '0.0.0.0', bootstrapKeyFile: file } },
  });
  const refused = await product.send('GET', '/api/system');
  expect([refused.status, refused.body.code]).toEqual([401, 'unauthenticated']);
  expect(refused.headers.get('www-authenticate')).toBe('Bearer');
  const let_in = await product.send('GET', '/api/system', { key });
  expect(let_in.body['you']).toMatchObject({ role: 'operator' });
  const addresses = Object.values(networkInterfaces()).flat();
  expect(addresses.length).toBeGreaterThan(0);
  // The file is read only while no key exists.
  await writeFile(file, newSecret());
  await product.restartApi();
  expect((await product.send('GET', '/api/system', { key })).status).toBe(200);
});

test('a bootstrap file that holds no key stops the start and says what is expected', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'key');
  await writeFile(file, 'hunter2');
  await expect(startFixture({ settings: { api: { bootstrapKeyFile: file } } })).rejects.toThrow(
    /does not hold a key: expected "pdk_"/,
  );
});

test('a key that is malformed, unknown or revoked is refused, also on loopback, and the refusal is audited', async () => {
  for (const key of ['nonsense', newSecret()]) {
    const refused = await open.send('GET', '/api/system', { key });
    expect([refused.status, refused.body.code]).toEqual([401, 'unauthenticated']);
  }
  await eventually(
    () => open.journal.audit.list({}, { limit: 50 }),
    ({ items }) =>
      items.some(
        ({ action, details }) => action === 'auth.refused' && details['reason'] === 'unknown_key',
      ),
  );
});

test('a key is shown once, works at once, and stops working at once when revoked; its streams end', async () => {
  const made = await open.send('POST', '/api/keys', { body: { user: 'ann', label: 'laptop' } });
  expect(made.status).toBe(201);
  const key = made.body['key'] as string;
  const keyId = made.body['keyId'] as string;
  expect(key).toMatch(/^pdk_[\w-]{43}$/);
  const listed = await open.send('GET', '/api/keys');
  expect(JSON.stringify(listed.body)).toContain(keyId);
  expect(JSON.stringify(listed.body)).not.toContain(key);
  const { sessionId } = (await open.send('POST', '/api/sessions', { key, body: {} })).body;
  const stream = await fetch(`${open.url}/api/sessions/${sessionId}/events`, {
    headers: { accept: 'text/event-stream', authorization: `Bearer ${key}` },
  });
  expect((await open.send('DELETE', `/api/keys/${keyId}`)).body).toEqual({ keyId, revoked: true });
  for await (const _ of stream.body!);
  expect((await open.send('GET', '/api/system', { key })).status).toBe(401);
  const again = await open.send('DELETE', `/api/keys/${keyId}`);
  expect(again.body.code).toBe('not_found');
  const audit = await open.send('GET', '/api/audit');
  const actions = audit.body.items.map(({ action }) => action);
  expect(actions).toEqual(expect.arrayContaining(['key.created', 'key.revoked']));
});

test("operators of a tenant make keys for it alone; the installation's own for every tenant", async () => {
  const own = await open.send('POST', '/api/keys', {
    body: { user: 'gus', tenant: 'globex', role: 'operator' },
  });
  const key = own.body['key'] as string;
  const foreign = await open.send('POST', '/api/keys', {
    key,
    body: { user: 'x', tenant: 'acme' },
  });
  expect([foreign.status, foreign.body.code, foreign.body.field]).toEqual([
    403,
    'forbidden',
    'tenant',
  ]);
  const made = await open.send('POST', '/api/keys', { key, body: { user: 'x' } });
  expect(made.body['tenant']).toBe('globex');
  const listed = (await open.send('GET', '/api/keys', { key })).body['keys'] as {
    tenant: string;
  }[];
  expect(new Set(listed.map(({ tenant }) => tenant))).toEqual(new Set(['globex']));
});

test('with api.requireKey the local owner needs a key too, over a WebSocket as well', async () => {
  await using product = await startFixture({ settings: { api: { requireKey: true } } });
  expect((await product.send('GET', '/api/system')).status).toBe(401);
  const key = await product.key('acme', 'ann');
  using socket = overSocket(product.url, key);
  expect((await socket.trpc.system.info.query()).you).toEqual({
    tenant: 'acme',
    user: 'ann',
    role: 'user',
  });
  using stranger = overSocket(product.url, newSecret());
  await expect(stranger.trpc.system.info.query()).rejects.toMatchObject({
    message: 'This key is malformed, unknown or revoked.',
    data: { code: 'unauthenticated', httpStatus: 401 },
  });
  await eventually(
    () => product.journal.audit.list({}, { limit: 50 }),
    ({ items }) =>
      items.some(
        ({ action, details }) => action === 'auth.refused' && details['reason'] === 'unknown_key',
      ),
  );
});

test('a web page from elsewhere, and a name that only points to this machine, are refused on loopback', async () => {
  const url = `${open.url}/api/system`;
  expect(await get(url, { host: 'evil.example' })).toBe(403);
  expect(await get(url, { host: 'localhost:7400' })).toBe(200);
  expect(await get(url, { origin: 'https://evil.example' })).toBe(403);
  expect(await get(url, { origin: 'null' })).toBe(403);
  expect(await get(url, { origin: 'http://localhost:5173' })).toBe(200);
});

test('a configured origin is let in, with CORS headers', async () => {
  const origin = 'https://app.example';
  await using product = await startFixture({ settings: { api: { corsOrigins: [origin] } } });
  const { status, headers } = await product.send('GET', '/api/system', { headers: { origin } });
  expect([status, headers.get('access-control-allow-origin')]).toEqual([200, origin]);
});

test('a request that came through a proxy is not the local owner', async () => {
  const refused = await open.send('GET', '/api/system', {
    headers: { 'x-forwarded-for': '203.0.113.9' },
  });
  expect(refused.status).toBe(401);
});

test('many wrong keys from one address have to wait', async () => {
  await using product = await startFixture();
  const answers = [];
  for (let index = 0; index < 62; index += 1)
    answers.push(await product.send('GET', '/api/system', { key: newSecret() }));
  expect(answers.at(-1)?.body.code).toBe('rate_limited');
  expect(Number(answers.at(-1)?.headers.get('retry-after'))).toBeGreaterThan(0);
  // Whoever has no wrong key is not held up.
  expect((await product.send('GET', '/api/system')).status).toBe(200);
});
