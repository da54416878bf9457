/** What `perdure doctor` finds of keys and credentials: each finding appears where something is wrong, and not where nothing is. */
import { expect, test } from 'vitest';
import type { Finding } from '../../../cli/doctor/check.ts';
import { checkProviders } from '../../../cli/doctor/model.ts';
import { load } from '../../config/support.ts';
import { freePort } from '../../../servers/child.ts';
import { startKeyServer } from '../../support/key-server.ts';
import { startTokenServer } from '../../support/token-server.ts';

const KEY = 'the-key-of-the-gateway';

interface Given {
  readonly settings: object;
  readonly env?: Readonly<Record<string, string>>;
}

/** What is found, apart from the demo model. */
async function findings({ settings, env = {} }: Given): Promise<readonly Finding[]> {
  const loaded = await load({ yaml: JSON.stringify(settings) });
  return checkProviders(loaded, (name) => env[name]);
}

const gateway = (url: string, more: object = { apiKeyEnv: 'GATEWAY' }) => ({
  providers: { gateway: { kind: 'openai-compatible', baseUrl: url, ...more } },
  models: { fast: { provider: 'gateway', model: 'm' } },
});

const login = (script: string, more: object = {}) => ({
  credentials: { login: { strategy: 'command', command: 'sh', args: ['-c', script], ...more } },
  models: { fast: { provider: 'demo', model: 'demo' }, other: { provider: 'gateway', model: 'm' } },
  providers: { gateway: { kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1' } },
  defaultModel: 'other',
});

const ofLogin = async (given: Given): Promise<Finding | undefined> =>
  (await findings(given)).find(({ check }) => check === 'credential login');

test('a key that the provider takes is well, and nothing else is said', async () => {
  await using provider = await startKeyServer(KEY);
  expect(await findings({ settings: gateway(provider.url), env: { GATEWAY: KEY } })).toEqual([
    { check: 'provider gateway', status: 'ok', detail: 'credential gateway works' },
  ]);
});

test('a key that the provider refuses is a problem, and is not shown', async () => {
  await using provider = await startKeyServer(KEY);
  const [found, ...others] = await findings({
    settings: gateway(provider.url),
    env: { GATEWAY: 'somebody-elses-key' },
  });
  expect(others).toEqual([]);
  expect(found).toMatchObject({
    check: 'provider gateway',
    status: 'problem',
    detail: 'credential gateway, invalid_credentials: it answered 401',
    mend: expect.stringContaining('variable'),
  });
  expect(JSON.stringify(found)).not.toContain('somebody-elses-key');
});

test('a key that is not set is a problem that names its variable, and nobody is asked', async () => {
  await using provider = await startKeyServer(KEY);
  expect(await findings({ settings: gateway(provider.url) })).toEqual([
    {
      check: 'provider gateway',
      status: 'problem',
      detail: 'GATEWAY is not set',
      mend: 'Set GATEWAY for the worker and restart it.',
    },
  ]);
  expect(provider.requests).toEqual([]);
});

test.each([
  ['fails', async () => startFailing(), 'provider_error: it answered 503'],
  ['is away', async () => ({ url: `http://127.0.0.1:${await freePort()}` }), 'network: '],
])('a provider that %s is a warning: it says nothing of the key', async (_, start, reason) => {
  const provider = await start();
  await using stack = new AsyncDisposableStack();
  if (Symbol.asyncDispose in provider) stack.use(provider);
  const [found] = await findings({ settings: gateway(provider.url), env: { GATEWAY: KEY } });
  expect(found).toMatchObject({
    status: 'warning',
    detail: expect.stringContaining(`credential gateway, ${reason}`),
    mend: expect.stringContaining('try again later'),
  });
});

async function startFailing() {
  const provider = await startKeyServer(KEY);
  provider.always = 503;
  return provider;
}

test('a provider without a key, and one that no model uses, are asked nothing', async () => {
  await using provider = await startKeyServer(KEY);
  expect(await findings({ settings: gateway(provider.url, {}) })).toMatchObject([
    { status: 'ok', detail: `${provider.url}, no key needed` },
  ]);
  const unused = { ...gateway(provider.url), models: undefined };
  expect((await findings({ settings: unused })).map(({ check }) => check)).toEqual([
    'provider demo',
  ]);
  expect(provider.requests).toEqual([]);
});

test('a token is left to the workers: no exchange is made, and it is said how to try it', async () => {
  await using server = await startTokenServer();
  const credentials = {
    sso: {
      strategy: 'oauth2-refresh',
      tokenUrl: server.tokenUrl,
      clientIdEnv: 'ID',
      refreshTokenEnv: 'REFRESH',
    },
  };
  const settings = { ...gateway('http://127.0.0.1:9/v1', { credential: 'sso' }), credentials };
  const env = { ID: 'perdure', REFRESH: 'refresh-first' };
  expect(await findings({ settings, env })).toEqual([
    {
      check: 'provider gateway',
      status: 'ok',
      detail: 'credential sso: its token is had and kept by workers (npx perdure auth check sso)',
    },
  ]);
  const { refreshTokenEnv: _, ...person } = credentials.sso;
  const deviceAuthorizationUrl = `${server.issuer}/device`;
  const signedIn = { ...settings, credentials: { sso: { ...person, deviceAuthorizationUrl } } };
  expect(await findings({ settings: signedIn, env })).toMatchObject([
    {
      status: 'ok',
      detail: expect.stringContaining('a person signs in (npx perdure auth login sso)'),
    },
  ]);
  expect(server.requests).toEqual([]);
});

test('a variable of a token that is not set is a problem that names it', async () => {
  const credentials = {
    sso: {
      strategy: 'oauth2-client-credentials',
      tokenUrl: 'http://127.0.0.1:9/token',
      clientIdEnv: 'ID',
      clientSecretEnv: 'SECRET',
    },
  };
  const settings = { ...gateway('http://127.0.0.1:9/v1', { credential: 'sso' }), credentials };
  expect(await findings({ settings, env: { ID: 'perdure' } })).toMatchObject([
    {
      check: 'provider gateway',
      status: 'problem',
      detail: 'credential sso: SECRET is not set',
      mend: 'Set SECRET for the worker and restart it.',
    },
  ]);
});

test('a program that says that somebody is signed in is well', async () => {
  expect(await ofLogin({ settings: login('exit 0') })).toEqual({
    check: 'credential login',
    status: 'ok',
    detail: 'credential login works',
  });
});

test.each([
  {
    script: 'exit 1',
    status: 'problem',
    detail: 'invalid_credentials: sh ended with 1: nobody is signed in',
  },
  {
    script: 'exit 75',
    more: { retryCodes: [75] },
    status: 'warning',
    detail: 'provider_error: sh ended with 75',
  },
  {
    script: 'echo no',
    more: { successPattern: 'yes' },
    status: 'problem',
    detail: 'invalid_credentials: the output of sh',
  },
  {
    script: 'exit 0',
    more: { command: 'no-such-program' },
    status: 'problem',
    detail: 'misconfigured: there is no program',
  },
])('a program that ends with "$script" ($more) is a $status', async ({ script, more, ...told }) => {
  const secret = 'printed-by-the-program';
  const settings = login(`echo ${secret}; ${script}`, more);
  const found = await ofLogin({ settings, env: { PATH: process.env['PATH'] ?? '' } });
  const detail = expect.stringContaining(told.detail) as string;
  expect(found).toMatchObject({ status: told.status, detail });
  expect(found?.mend).toBeTruthy();
  expect(JSON.stringify(found)).not.toContain(secret);
});

test('where no credential is configured, none is spoken of', async () => {
  const found = await findings({ settings: {} });
  expect(found.map(({ check }) => check)).toEqual(['provider demo']);
});
