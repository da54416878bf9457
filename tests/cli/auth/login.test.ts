/** `perdure auth login` against the whole product, with a person who decides at a real authorization server. */
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { freePort } from '../../../servers/child.ts';
import { startCluster } from '../../support/cluster.ts';
import type { Cluster } from '../../support/cluster.ts';
import { DEVICE_CLIENT, DEVICE_SECRETS, startDeviceServer } from '../../support/device-server.ts';
import type { Decision, DeviceServer } from '../../support/device-server.ts';
import { everythingKept } from '../../support/everything-kept.ts';
import { MAIN } from '../../support/processes.ts';
import { secretsIn } from '../../support/secret-search.ts';
import { jsonLines, perdure } from '../command.ts';
import type { Ran } from '../command.ts';
import { openTerminal } from '../terminal.ts';

// Each command is a process of its own, on machines that do other things too.
vi.setConfig({ testTimeout: 480_000, hookTimeout: 480_000 });

let server: DeviceServer;
let cluster: Cluster;
let env: Record<string, string>;
beforeAll(async () => {
  server = await startDeviceServer();
  const { tokenUrl, issuer } = server;
  const oauth = { tokenUrl, ...DEVICE_CLIENT };
  cluster = await startCluster({
    env: DEVICE_SECRETS,
    settings: {
      credentials: {
        person: { strategy: 'oauth2-refresh', issuer, ...DEVICE_CLIENT },
        machine: { strategy: 'oauth2-client-credentials', ...oauth },
        nowhere: { strategy: 'oauth2-refresh', ...oauth, refreshTokenEnv: 'REFRESH' },
      },
      log: { level: 'debug' },
    },
  });
  env = { PERDURE_URL: cluster.urls[0]! };
});
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

const auth = (...args: string[]): Promise<Ran> => perdure(['auth', ...args], { env });

const CODE = /[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}/;

/** The command, and what the person does once the code is printed. */
async function login(
  act: (
    code: string,
    child: { kill(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): unknown },
  ) => unknown,
  ...args: string[]
): Promise<Ran> {
  const command = ['auth', 'login', 'person', ...args];
  const child = execa(process.execPath, [MAIN, ...command], { env, reject: false });
  let printed = '';
  let acting: Promise<unknown> | undefined;
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
    // In JSON the code is on the first line; for people, the last line is the one that says until when.
    const code = CODE.exec(printed)?.[0];
    if (acting || !code || !/(Ctrl-C ends it\.|\})\n/.test(printed)) return;
    acting = Promise.resolve(code).then((shown) => act(shown, child));
    acting.catch(() => child.kill('SIGKILL'));
  });
  const { exitCode, stdout, stderr } = await child;
  await acting;
  return { exitCode, out: stdout, err: stderr };
}

const decide = (decision: Decision) => (code: string) => server.decide(code, decision);

test('shows an address and a code, waits, and ends with 0 when the person has agreed', async () => {
  const { exitCode, out, err } = await login(decide('approved'));
  expect([exitCode, err]).toEqual([0, '']);
  const code = CODE.exec(out)![0];
  expect(out.split('\n')).toEqual([
    `Open ${server.issuer}/device`,
    `and enter the code ${code}`,
    `or open ${server.issuer}/device?user_code=${code}, which has it already.`,
    expect.stringMatching(/^Waiting until \d{4}-\d\d-\d\d \d\d:\d\d UTC; Ctrl-C ends it\.$/),
    'person is signed in; its token is kept by the workers.',
  ]);
  expect((await auth('list')).out).toMatch(/^person {2}oauth2-refresh {2}token 1, until /m);
  expect((await auth('check', 'person', '--renew')).out).toBe('1. succeeded\nperson works.');
});

test('prints JSON: one object with the code, one with the end', async () => {
  const { exitCode, out, err } = await login(decide('approved'), '--json');
  expect([exitCode, err]).toEqual([0, '']);
  const [begun, ended] = jsonLines(out);
  expect(begun).toEqual({
    ...{ credential: 'person', loginId: expect.any(String), state: 'waiting', message: '' },
    code: {
      userCode: expect.stringMatching(CODE),
      verificationUri: `${server.issuer}/device`,
      verificationUriComplete: expect.stringContaining('?user_code='),
      expiresAt: expect.stringMatching(/^\d{4}-/),
    },
  });
  expect(ended).toEqual({ ...begun, state: 'succeeded', code: undefined });
});

test('ends with 1 and says why where the person refuses, the code expires or no refresh token is given', async () => {
  const denied = await login(decide('denied'));
  expect(denied).toMatchObject({
    exitCode: 1,
    err: 'Nobody is signed in for person (denied): it answered 400: access_denied',
  });
  const expired = await login(decide('expired'), '--json');
  expect(expired).toMatchObject({
    exitCode: 1,
    err: 'Nobody is signed in for person (expired): it answered 400: expired_token',
  });
  expect(jsonLines(expired.out)).toMatchObject([{ state: 'waiting' }, { state: 'expired' }]);
  server.givesRefreshTokens = false;
  const useless = await login(decide('approved'));
  server.givesRefreshTokens = true;
  expect([useless.exitCode, useless.err]).toEqual([
    1,
    expect.stringMatching(/\(failed\): .*no refresh token.*offline_access/),
  ]);
});

test('Ctrl-C in a terminal ends it with 130, and the next one begins anew', async () => {
  await using terminal = openTerminal(['auth', 'login', 'person'], env);
  const code = await terminal.sees(/enter the code (\S+)/);
  await terminal.sees('Ctrl-C ends it');
  terminal.press('ctrl-c');
  expect(await terminal.exited).toBe(130);
  expect(terminal.text).toContain('Ended; nobody is signed in for person.');
  const json = await login((_, child) => child.kill('SIGTERM'), '--json');
  expect([json.exitCode, json.err]).toEqual([130, 'Ended; nobody is signed in for person.']);
  expect(jsonLines(json.out)).toMatchObject([{ state: 'waiting' }, { state: 'cancelled' }]);
  expect(json.out).not.toContain(code);
});

test('a command that was killed is begun again with the same code, or anew', async () => {
  const codes: string[] = [];
  await login((code, child) => {
    codes.push(code);
    child.kill('SIGKILL');
  });
  await login((code, child) => {
    codes.push(code);
    child.kill('SIGKILL');
  });
  const { exitCode } = await login((code) => {
    codes.push(code);
    server.decide(code, 'approved');
  }, '--anew');
  expect(exitCode).toBe(0);
  expect(codes[1]).toBe(codes[0]);
  expect(codes[2]).not.toBe(codes[0]);
});

test('the product may be killed and started again while the command waits', async () => {
  const { exitCode, err } = await login(async (code) => {
    await cluster.apis[0]!.kill();
    await cluster.apis[0]!.start();
    server.decide(code, 'approved');
  });
  expect([exitCode, err]).toEqual([0, '']);
});

test('an unknown name is exit code 5, another strategy or a wrong use 2, an API that is away 4; what has no address says so', async () => {
  const unknown = await auth('login', 'nobody');
  expect([unknown.exitCode, unknown.out]).toEqual([5, '']);
  expect(unknown.err).toContain('There is no credential "nobody".');
  const machine = await auth('login', 'machine');
  expect([machine.exitCode, machine.err]).toEqual([2, expect.stringContaining('oauth2-refresh')]);
  for (const wrong of [['login'], ['login', 'person', '--nonsense']])
    expect((await auth(...wrong)).exitCode).toBe(2);
  const away = await auth('login', 'person', '--url', `http://127.0.0.1:${await freePort()}`);
  expect([away.exitCode, away.err]).toEqual([4, expect.stringContaining('npm start')]);
  const nowhere = await auth('login', 'nowhere');
  expect([nowhere.exitCode, nowhere.out]).toEqual([1, '']);
  expect(nowhere.err).toContain('deviceAuthorizationUrl');
});

test('no device code, token or client secret is anywhere but encrypted, after all that', async () => {
  const places = await everythingKept(cluster, {
    paths: ['credentials', 'audit?limit=200', 'system'].map((it) => `/api/${it}`),
  });
  const secrets = [...server.issued, DEVICE_SECRETS.DEVICE_SECRET];
  expect(secrets.filter((secret) => secret.startsWith('device-')).length).toBeGreaterThan(6);
  expect(secrets.filter((secret) => secret.startsWith('refresh-')).length).toBeGreaterThan(3);
  expect(
    secretsIn(
      places,
      secrets.map((value) => ({ name: 'secret', value })),
    ),
  ).toEqual([]);
  const found = secretsIn(places, [{ name: 'login', value: 'credential-login-person' }]).join('\n');
  for (const where of ['history of credential-login-person', 'temporal.db'])
    expect(found).toContain(where);
});
