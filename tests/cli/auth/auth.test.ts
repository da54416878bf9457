/** `perdure auth` and `perdure audit` against the whole product, which signs in at a real identity server. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { freePort } from '../../../servers/child.ts';
import { startCluster } from '../../support/cluster.ts';
import type { Cluster } from '../../support/cluster.ts';
import { CLIENT_SECRETS, startTokenServer } from '../../support/token-server.ts';
import type { TokenServer } from '../../support/token-server.ts';
import { jsonLines, perdure } from '../command.ts';
import type { Ran } from '../command.ts';

// Each command is a process of its own, on machines that do other things too.
vi.setConfig({ testTimeout: 480_000, hookTimeout: 480_000 });

const CLIENT = { clientIdEnv: 'CLIENT_ID', clientSecretEnv: 'CLIENT_SECRET' };

let server: TokenServer;
let cluster: Cluster;
let env: Record<string, string>;
beforeAll(async () => {
  server = await startTokenServer();
  const { tokenUrl } = server;
  const oauth = { strategy: 'oauth2-client-credentials', tokenUrl, ...CLIENT };
  cluster = await startCluster({
    env: { ...CLIENT_SECRETS, WRONG_SECRET: 'a-wrong-secret', REFRESH: 'refresh-first' },
    settings: {
      credentials: {
        gateway: oauth,
        wrong: { ...oauth, clientSecretEnv: 'WRONG_SECRET' },
        person: { ...oauth, strategy: 'oauth2-refresh', refreshTokenEnv: 'REFRESH' },
        login: { strategy: 'command', command: 'sh', args: ['-c', 'echo hello'] },
      },
      providers: {
        company: {
          kind: 'openai-compatible',
          baseUrl: 'http://127.0.0.1:9/v1',
          credential: 'gateway',
        },
      },
      models: { fast: { provider: 'company', model: 'm' } },
      defaultModel: 'fast',
    },
  });
  env = { PERDURE_URL: cluster.urls[0]! };
});
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

const auth = (...args: string[]): Promise<Ran> => perdure(['auth', ...args], { env });
const atHome = () => ({
  ...env,
  PERDURE_HOME: `${cluster.folder}/home`,
  PERDURE_CONFIG: `${cluster.folder}/perdure.yaml`,
});
const keys = (...args: string[]): Promise<Ran> => perdure(['keys', ...args], { env: atHome() });
const keyMade = async () =>
  jsonOf(await keys('create', '--user', 'ann', '--json')) as { key: string; keyId: string };
const jsonOf = ({ out }: Ran): unknown => JSON.parse(out);
const inTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);

test('list shows each credential, who uses it, and nothing stored before anybody signed in', async () => {
  const text = await auth('list');
  expect([text.exitCode, text.err]).toEqual([0, '']);
  expect(text.out.split('\n')).toEqual([
    'gateway  oauth2-client-credentials  for company',
    'wrong  oauth2-client-credentials',
    'person  oauth2-refresh',
    'login  command',
  ]);
});

test('check signs in, prints the attempts or one JSON object, and ends with 0', async () => {
  const text = await auth('check', 'gateway');
  expect(text).toEqual({ exitCode: 0, out: '1. succeeded\ngateway works.', err: '' });
  expect(server.requests).toHaveLength(1);
  const json = await auth('check', 'person', '--json');
  expect(json.exitCode).toBe(0);
  expect(jsonOf(json)).toEqual({
    credential: 'person',
    strategy: 'oauth2-refresh',
    outcome: 'succeeded',
    attempts: [{ number: 1, kind: 'succeeded', reason: '' }],
  });
  expect((await auth('check', 'login')).out).toBe('1. succeeded\nlogin works.');
  expect(jsonLines((await auth('list', '--json')).out)).toEqual([
    {
      type: 'credential',
      name: 'gateway',
      strategy: 'oauth2-client-credentials',
      usedBy: ['company'],
      stored: { version: 1, updatedAt: inTime, expiresAt: inTime },
    },
    {
      ...{ type: 'credential', name: 'wrong', strategy: 'oauth2-client-credentials' },
      ...{ usedBy: [], stored: null },
    },
    {
      ...{ type: 'credential', name: 'person', strategy: 'oauth2-refresh', usedBy: [] },
      stored: { version: 1, updatedAt: inTime, expiresAt: inTime },
    },
    { type: 'credential', name: 'login', strategy: 'command', usedBy: [], stored: null },
  ]);
});

test('check leaves a good token alone; --renew replaces it', async () => {
  const before = server.requests.length;
  await auth('check', 'gateway');
  expect(server.requests).toHaveLength(before);
  expect((await auth('check', 'gateway', '--renew')).exitCode).toBe(0);
  expect(server.requests).toHaveLength(before + 1);
  expect((await auth('list')).out).toMatch(/^gateway .* token 2, until \d{4}-/m);
});

test('check of a credential that does not work ends with 1 and says why, on JSON too', async () => {
  const text = await auth('check', 'wrong');
  expect(text).toEqual({
    exitCode: 1,
    out: '1. invalid_credentials: it answered 401: invalid_client',
    err: 'wrong does not work (auth_failed).',
  });
  const json = await auth('check', 'wrong', '--json');
  expect(json.exitCode).toBe(1);
  expect(jsonOf(json)).toMatchObject({ outcome: 'failed', error: { code: 'auth_failed' } });
  expect(text.out + text.err + json.out + json.err).not.toContain('a-wrong-secret');
});

test('check tries three times where the server fails, and the list shows what the breaker counted', async () => {
  server.fail({ status: 503 }, { status: 500 }, { status: 502 });
  const { exitCode, out, err } = await auth('check', 'gateway', '--renew');
  expect(exitCode).toBe(1);
  expect(out.split('\n')).toEqual([
    '1. provider_error: it answered 503',
    '2. provider_error: it answered 500',
    '3. provider_error: it answered 502',
  ]);
  expect(err).toBe('gateway does not work (max_attempts_exceeded).');
  const { host } = new URL(server.tokenUrl);
  expect((await auth('list')).out).toContain(`breaker auth:${host}  closed  3 failures in a row`);
  expect(jsonLines((await auth('list', '--json')).out).at(-1)).toEqual({
    ...{ type: 'breaker', key: `auth:${host}`, state: 'closed', failures: 3 },
  });
});

test('forget drops what is stored, and the next one who needs a token begins anew', async () => {
  expect(await auth('forget', 'gateway', '--json')).toEqual({
    exitCode: 0,
    out: '{"credential":"gateway","forgotten":true}',
    err: '',
  });
  const text = await auth('forget', 'gateway');
  expect([text.exitCode, text.out]).toEqual([0, expect.stringContaining('gateway is forgotten')]);
  expect((await auth('list')).out).toMatch(
    /^gateway {2}oauth2-client-credentials {2}for company$/m,
  );
});

test('a name that nobody has configured is exit code 5; a wrong use is 2; an API that is away 4; a wrong address 3', async () => {
  for (const command of ['check', 'forget']) {
    const { exitCode, out, err } = await auth(command, 'nobody');
    expect([exitCode, out]).toEqual([5, '']);
    expect(err).toContain('There is no credential "nobody".');
    expect(err).toContain('(not_found)');
  }
  for (const wrong of [['check'], ['forget'], ['nonsense'], ['list', '--nonsense']])
    expect((await auth(...wrong)).exitCode).toBe(2);
  const away = await auth('list', '--url', `http://127.0.0.1:${await freePort()}`);
  expect([away.exitCode, away.err]).toEqual([4, expect.stringContaining('npm start')]);
  const malformed = await perdure(['auth', 'list'], { env: { PERDURE_URL: 'nonsense' } });
  expect([malformed.exitCode, malformed.err]).toEqual([3, expect.stringContaining('PERDURE_URL')]);
});

test('whoever is no operator is refused, and a wrong key too', async () => {
  const { key } = await keyMade();
  const refused = await auth('list', '--key', key);
  expect([refused.exitCode, refused.err]).toEqual([1, expect.stringContaining('(forbidden)')]);
  const stranger = await auth('list', '--key', `pdk_${'x'.repeat(43)}`);
  expect([stranger.exitCode, stranger.err]).toEqual([
    1,
    expect.stringContaining('(unauthenticated)'),
  ]);
  for (const { out, err } of [refused, stranger]) expect(out + err).not.toContain(key);
});

test('perdure keys through the API says by its exit code what went wrong', async () => {
  const { keyId } = await keyMade();
  expect((await keys('revoke', keyId)).exitCode).toBe(0);
  const again = await keys('revoke', keyId);
  expect([again.exitCode, again.err]).toEqual([5, expect.stringContaining('(not_found)')]);
  const away = { ...env, PERDURE_URL: `http://127.0.0.1:${await freePort()}` };
  const unreached = await perdure(['keys', 'list'], { env: { ...atHome(), ...away } });
  expect([unreached.exitCode, unreached.err]).toEqual([4, expect.stringContaining('npm start')]);
});

test('perdure audit tells all that, newest first, for people and for programs', async () => {
  const audit = (...args: string[]) => perdure(['audit', ...args], { env });
  const text = await audit('--limit', '8');
  expect(text.exitCode).toBe(0);
  const lines = text.out.split('\n');
  expect(lines).toHaveLength(9);
  expect(lines[0]).toMatch(/^AT \(UTC\) +USER +ACTION +SUBJECT +DETAILS$/);
  expect(text.out).toMatch(/ – +auth\.refused +– +reason=unknown_key address=127\.0\.0\.1/);
  expect(text.out).toMatch(/ ann +auth\.refused +credential\.list +reason=role/);
  const forgotten = jsonLines((await audit('--action', 'credential.forgotten', '--json')).out);
  expect(forgotten.map(({ details }) => details)).toMatchObject([
    { stored: false },
    { stored: true },
  ]);
  expect(forgotten[0]).toMatchObject({
    tenant: 'local',
    user: 'local',
    subject: 'gateway',
    at: inTime,
  });
  const all = jsonLines((await audit('--limit', '500', '--json')).out);
  expect(all.length).toBeGreaterThan(10);
  expect(jsonLines((await audit('--limit', '2', '--json')).out)).toEqual(all.slice(0, 2));
  for (const wrong of [
    ['--action', 'key.stolen'],
    ['--limit', '0'],
    ['--limit', 'many'],
  ])
    expect((await audit(...wrong)).exitCode).toBe(2);
  const told = JSON.stringify(all) + text.out;
  const secrets = [...server.issued, 'a-wrong-secret', CLIENT_SECRETS.CLIENT_SECRET];
  for (const secret of secrets) expect(told).not.toContain(secret);
});
