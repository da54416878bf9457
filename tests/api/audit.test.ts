/** The authentication audit: each of its actions happens here to the whole product, and stands there with who it was, and for whom. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AUDIT_ACTION_NAMES } from '../../contracts/audit.ts';
import { newId } from '../../contracts/ids.ts';
import { newSecret } from '../../api/auth/secret.ts';
import { DEVICE_CLIENT, DEVICE_SECRETS, startDeviceServer } from '../support/device-server.ts';
import { startKeyServer } from '../support/key-server.ts';
import { eventually, startFixture } from './support/fixture.ts';
import type { Answer, Fixture, Json } from './support/fixture.ts';

const KEY = 'the-key-of-the-gateway';

let product: Fixture;
let provider: Awaited<ReturnType<typeof startKeyServer>>;
let device: Awaited<ReturnType<typeof startDeviceServer>>;
/** A login has the name of its credential in the Temporal that all tests share. */
const PERSON = `person-${randomBytes(4).toString('hex')}`;
const keys = { local: '', olga: '', ann: '', gus: '' };
beforeAll(async () => {
  provider = await startKeyServer(KEY);
  device = await startDeviceServer();
  const credential = { strategy: 'api-key', provider: 'gateway', apiKeyEnv: 'GATEWAY' } as const;
  const person = {
    strategy: 'oauth2-refresh',
    tokenUrl: device.tokenUrl,
    deviceAuthorizationUrl: device.deviceUrl,
    ...DEVICE_CLIENT,
  } as const;
  product = await startFixture({
    worker: true,
    secrets: { GATEWAY: KEY, WRONG: 'another-key', ...DEVICE_SECRETS },
    secretKeys: { current: randomBytes(32), old: [] },
    settings: {
      providers: { gateway: { kind: 'openai-compatible', baseUrl: provider.url } },
      credentials: {
        good: credential,
        bad: { ...credential, apiKeyEnv: 'WRONG' },
        [PERSON]: person,
      },
    },
  });
  keys.local = await product.key('local', 'lee', 'operator');
  keys.olga = await product.key('acme', 'olga', 'operator');
  keys.ann = await product.key('acme', 'ann');
  keys.gus = await product.key('globex', 'gus', 'operator');
});
afterAll(async () => {
  await product?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
  await device?.[Symbol.asyncDispose]();
});

interface Entry {
  readonly tenant: string | null;
  readonly user: string | null;
  readonly action: string;
  readonly subject: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

const audit = (key: string, query = ''): Promise<Answer> =>
  product.send('GET', `/api/audit${query}`, { key });
const entriesIn = ({ body }: Answer): Entry[] => body.items as unknown as Entry[];
const itemsOf = async (key: string, query = '?limit=200'): Promise<Entry[]> =>
  entriesIn(await audit(key, query));
const post = (path: string, key: string | undefined, body: object = {}): Promise<Answer> =>
  product.send('POST', path, { key, body });

/** Entries with this action, once there are as many: a refusal is written beside the answer. */
const entries = (key: string, action: string, count = 1): Promise<Entry[]> =>
  eventually(
    () => itemsOf(key, `?action=${action}`),
    (items) => items.length >= count,
  );

test('a refused sign-in is in it: a guess for the operators of the installation, a revoked key for those of its tenant', async () => {
  const made = (await post('/api/keys', keys.olga, { user: 'eve', label: 'old' })).body;
  const revoked = made['key'] as string;
  await product.send('DELETE', `/api/keys/${made['keyId'] as string}`, { key: keys.olga });
  const guess = newSecret();
  for (const key of [guess, revoked])
    expect((await product.send('GET', '/api/system', { key })).status).toBe(401);
  expect((await audit(keys.ann)).status).toBe(403);

  const address = '127.0.0.1';
  expect(await entries(keys.olga, 'auth.refused', 2)).toMatchObject([
    { user: 'ann', subject: 'system.audit', details: { reason: 'role', address } },
    { user: 'eve', subject: made['keyId'], details: { reason: 'revoked_key', address } },
  ]);
  expect(await entries(keys.local, 'auth.refused')).toMatchObject([
    { tenant: null, user: null, subject: null, details: { reason: 'unknown_key', address } },
  ]);
  expect(await itemsOf(keys.gus, '?action=auth.refused')).toEqual([]);
  const told = JSON.stringify([await itemsOf(keys.olga), await itemsOf(keys.local)]);
  for (const secret of [guess, revoked]) expect(told).not.toContain(secret);
});

test('a key that comes in is in it once, not with every request', async () => {
  const ann = await product.key('acme', 'amy');
  for (const _ of [1, 2, 3]) await product.send('GET', '/api/system', { key: ann });
  const arrivals = await entries(keys.olga, 'auth.accepted', 2);
  expect(arrivals.filter(({ user }) => user === 'amy')).toMatchObject([
    { subject: expect.stringMatching(/^key_/), details: { role: 'user', address: '127.0.0.1' } },
  ]);
});

test('who made and revoked a key is in it, with what the key may do', async () => {
  const made = await post('/api/keys', keys.olga, { user: 'kim', label: 'laptop' });
  const keyId = made.body['keyId'] as string;
  await product.send('DELETE', `/api/keys/${keyId}`, { key: keys.olga });
  const own = ({ subject }: Entry) => subject === keyId;
  const details = { user: 'kim', role: 'user', label: 'laptop', address: '127.0.0.1' };
  expect((await itemsOf(keys.olga)).filter(own)).toMatchObject([
    { action: 'key.revoked', user: 'olga' },
    { action: 'key.created', user: 'olga', details },
  ]);
});

test('how Perdure signed in to providers is in it, and who had it checked or forgotten', async () => {
  const { credentials } = product.journal;
  const stored = { tenant: 'local', name: 'good' };
  const claim = { version: 0, holder: 'test' };
  await credentials.claim(stored, { ...claim, strategy: 'oauth2-refresh', claimMs: 60_000 });
  await credentials.settle(stored, claim, { secret: 'sealed', expiresInMs: null });
  await post('/api/credentials/good/check', keys.local);
  await post('/api/credentials/bad/check', keys.local, { renew: true });
  const forget = (key: string) => product.send('DELETE', '/api/credentials/good/token', { key });
  expect((await forget(keys.local)).body).toEqual({ credential: 'good', forgotten: true });
  expect(await credentials.get(stored)).toMatchObject({ secret: null });

  const details = { strategy: 'api-key' };
  const refused = { kind: 'invalid_credentials', reason: 'it answered 401' };
  const failed = { renew: true, outcome: 'failed', code: 'auth_failed', attempts: 1 };
  expect(
    (await itemsOf(keys.local)).filter(({ action }) => action.startsWith('credential')),
  ).toMatchObject([
    { action: 'credential.forgotten', user: 'lee', subject: 'good', details: { stored: true } },
    { action: 'credential.checked', user: 'lee', subject: 'bad', details: failed },
    { action: 'credential.refused', user: null, subject: 'bad', details: refused },
    { action: 'credential.checked', subject: 'good', details: { renew: false } },
    { action: 'credential.accepted', user: null, subject: 'good', details },
  ]);
  expect(JSON.stringify(await itemsOf(keys.local))).not.toContain(KEY);
});

test('what an operator begins for a person, and ends, is in it', async () => {
  const login = `/api/credentials/${PERSON}/login`;
  const { loginId } = (await post(login, keys.local)).body;
  const ended = await product.send('DELETE', `${login}/${String(loginId)}`, { key: keys.local });
  expect(ended.body['state']).toBe('cancelled');
  for (const action of ['credential.login_begun', 'credential.login_cancelled'])
    expect(await entries(keys.local, action)).toMatchObject([
      { user: 'lee', subject: PERSON, details: { loginId } },
    ]);
});

test("another tenant's operators neither see nor use the installation's credentials", async () => {
  const { body } = await product.send('GET', '/api/credentials', { key: keys.olga });
  expect(body).toEqual({ credentials: [], breakers: [] });
  const asked = provider.requests.length;
  const checked = await post('/api/credentials/good/check', keys.olga, { renew: true });
  const path = '/api/credentials/good/token';
  const forgotten = await product.send('DELETE', path, { key: keys.olga });
  for (const { status, body: answer } of [checked, forgotten])
    expect([status, answer.code, answer.field]).toEqual([404, 'not_found', 'name']);
  expect(provider.requests).toHaveLength(asked);
});

/** A call that somebody's session asks for is approved, the next one rejected. */
async function decideTwice(asks: string | undefined, decides: string | undefined): Promise<void> {
  for (const decision of ['approve', 'reject']) {
    const message = `call=ask${JSON.stringify({ question: decision })}`;
    const { sessionId } = (await post('/api/sessions', asks, { agent: 'careful', message })).body;
    const [approval] = await eventually(
      async () =>
        (await product.send('GET', `/api/approvals?sessionId=${sessionId}`, { key: asks })).body[
          'approvals'
        ] as Json[],
      (open) => open.length > 0,
    );
    const decided = `/api/approvals/${approval!['approvalId'] as string}/decision`;
    expect((await post(decided, decides, { decision })).status).toBe(200);
  }
}

test('what was decided on calls is in it', async () => {
  await decideTwice(keys.ann, keys.olga);
  expect(
    (await itemsOf(keys.olga)).filter(({ action }) => action.startsWith('approval')),
  ).toMatchObject([
    { action: 'approval.rejected', user: 'olga', details: { tool: 'ask' } },
    { action: 'approval.approved', user: 'olga', details: { tool: 'ask', edited: false } },
  ]);
});

test('runners that come, are shared and removed are in it', async () => {
  const runner = { name: 'laptop', instance: newId('run'), workdir: '/w', tools: [], version: '1' };
  const registered = await post('/api/runners', keys.ann, runner);
  const runnerId = registered.body['runnerId'] as string;
  await post(`/api/runners/${runnerId}/share`, keys.olga, { shared: true });
  await product.send('DELETE', `/api/runners/${runnerId}`, { key: keys.ann });
  const own = ({ subject }: Entry) => subject === runnerId;
  expect((await itemsOf(keys.olga)).filter(own)).toMatchObject([
    { action: 'runner.removed', user: 'ann' },
    { action: 'runner.shared', user: 'olga', details: { shared: true } },
    { action: 'runner.registered', user: 'ann', details: { name: 'laptop', replaced: false } },
  ]);
});

/** Two lists of a server, one after the other. */
async function listTwice(server: string): Promise<void> {
  const tool = (digit: string) => ({
    ...{ name: 'echo', description: digit, inputSchema: { type: 'object' as const } },
    ...{ hints: {}, hash: digit },
  });
  for (const digit of ['a', 'b']) {
    const manifest = { hash: digit.repeat(64), tools: [tool(digit)] };
    await product.journal.mcpManifests.observe(server, manifest);
  }
}

test("trust in an MCP server's tools is in it: on first use, and by whose word", async () => {
  await listTwice('files');
  await post('/api/mcp-servers/files/approval', keys.local, { hash: 'b'.repeat(64) });
  await product.send('DELETE', '/api/mcp-servers/files/approval', { key: keys.local });
  expect((await itemsOf(keys.local)).filter(({ subject }) => subject === 'files')).toMatchObject([
    { action: 'mcp.revoked', user: 'lee', details: { before: 'b'.repeat(64) } },
    { action: 'mcp.approved', user: 'lee', details: { hash: 'b'.repeat(64) } },
    { action: 'mcp.pinned', user: null, details: { hash: 'a'.repeat(64) } },
  ]);
});

test('what the local owner does without a key is in it as well', async () => {
  const nobody = undefined;
  const remove = (path: string) => product.send('DELETE', path);
  const { keyId } = (await post('/api/keys', nobody, { user: 'kim' })).body;
  await remove(`/api/keys/${String(keyId)}`);
  await post('/api/credentials/good/check', nobody);
  await remove('/api/credentials/good/token');
  await decideTwice(nobody, nobody);
  const runner = { name: 'here', instance: newId('run'), workdir: '/w', tools: [], version: '1' };
  const { runnerId } = (await post('/api/runners', nobody, runner)).body;
  await post(`/api/runners/${String(runnerId)}/share`, nobody, { shared: true });
  await remove(`/api/runners/${String(runnerId)}`);
  await listTwice('owned');
  await post('/api/mcp-servers/owned/approval', nobody, { hash: 'b'.repeat(64) });
  await remove('/api/mcp-servers/owned/approval');
  const own = (await itemsOf(keys.local)).filter(({ user }) => user === 'local');
  expect(own.map(({ action }) => action).toReversed()).toEqual([
    ...['key.created', 'key.revoked', 'credential.checked', 'credential.forgotten'],
    ...['approval.approved', 'approval.rejected'],
    ...['runner.registered', 'runner.shared', 'runner.removed', 'mcp.approved', 'mcp.revoked'],
  ]);
  expect(new Set(own.map(({ tenant }) => tenant))).toEqual(new Set(['local']));
});

test('each action of the closed list has happened by now, none beside it, and the documentation names them all', async () => {
  const all = await product.journal.audit.list({}, { limit: 200 });
  const seen = new Set(all.items.map(({ action }) => action));
  expect([...seen].toSorted()).toEqual(AUDIT_ACTION_NAMES.toSorted());
  const page = await readFile(join(import.meta.dirname, '../../docs/security.md'), 'utf8');
  const paragraph = page.slice(page.indexOf('The table `audit`')).split('\n\n')[0]!;
  const named = Array.from(paragraph.matchAll(/`(\w+\.\w+)`/g), ([, name]) => name!);
  expect(named.toSorted()).toEqual(AUDIT_ACTION_NAMES.toSorted());
});

test('pages of it are whole, end, and hold nothing of another tenant; wrong questions are refused', async () => {
  const whole = await itemsOf(keys.olga);
  const paged: Entry[] = [];
  let cursor = '';
  do {
    const page = await audit(keys.olga, `?limit=3${cursor && `&cursor=${cursor}`}`);
    expect(entriesIn(page).length).toBeLessThanOrEqual(3);
    paged.push(...entriesIn(page));
    cursor = (page.body['nextCursor'] as string | null) ?? '';
  } while (cursor);
  expect(paged).toEqual(whole);
  expect(new Set(whole.map(({ tenant }) => tenant))).toEqual(new Set(['acme']));
  expect((await itemsOf(keys.gus)).map(({ tenant }) => tenant)).toEqual(['globex']);
  for (const query of ['?action=key.stolen', '?limit=0', '?limit=201', '?cursor=x'])
    expect((await audit(keys.olga, query)).body.code).toBe('invalid_input');
});
