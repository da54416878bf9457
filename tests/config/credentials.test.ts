/** What is wrong with a credential is said at the start, with its path, not when somebody is to be signed in. */
import { describe, expect, it } from 'vitest';
import { load, problemsOf } from './support.ts';

const CLIENT = {
  strategy: 'oauth2-client-credentials',
  tokenUrl: 'https://login.example.com/token',
  clientIdEnv: 'ID',
  clientSecretEnv: 'SECRET',
};
const REFRESH = {
  strategy: 'oauth2-refresh',
  issuer: 'https://login.example.com',
  clientIdEnv: 'ID',
  refreshTokenEnv: 'REFRESH',
};
const COMMAND = { strategy: 'command', command: 'claude' };
const API_KEY = { strategy: 'api-key', provider: 'paid' };
const PROVIDERS = { paid: { kind: 'openai', apiKeyEnv: 'PAID_KEY' } };

/** JSON is YAML. */
const yamlOf = (credential: object, more: object = {}): string =>
  JSON.stringify({ providers: PROVIDERS, credentials: { it: credential }, ...more });

const without = (credential: object, key: string): object =>
  Object.fromEntries(Object.entries(credential).filter(([name]) => name !== key));

/** The setting of the credential that is wrong, and what is said of it. */
async function saidOf(credential: object, more?: object): Promise<Record<string, string>> {
  const problems = await problemsOf({ yaml: yamlOf(credential, more) });
  for (const { source } of problems) expect(source).toMatch(/^perdure\.yaml/);
  const paths = problems.map(({ path }) => path);
  expect(paths).toEqual([...new Set(paths)]);
  return Object.fromEntries(problems.map(({ path, message }) => [path, message]));
}

describe('a credential', () => {
  it.each([
    ['api-key', API_KEY],
    ['oauth2-client-credentials', CLIENT],
    ['oauth2-refresh', REFRESH],
    ['command', COMMAND],
  ])('of strategy %s is taken with what it needs, and with what it may have', async (_, needed) => {
    const oauth = { clientAuth: 'post', parameters: { audience: 'x' }, scope: 'a b' };
    const more = {
      'api-key': { apiKeyEnv: 'OTHER' },
      'oauth2-client-credentials': oauth,
      'oauth2-refresh': { ...oauth, clientSecretEnv: 'S', reuseRefreshToken: true },
      command: { args: ['x'], env: [], successCodes: [3], retryCodes: [75], successPattern: 'y' },
    }[needed.strategy];
    await load({ yaml: yamlOf(needed) });
    const { credentials } = await load({ yaml: yamlOf({ ...needed, ...more }) });
    expect(credentials['it']).toMatchObject({ ...needed, ...more });
  });

  it.each([
    [API_KEY, 'provider', 'is missing; api-key needs provider'],
    [CLIENT, 'clientIdEnv', 'is missing; oauth2-client-credentials needs clientIdEnv'],
    [CLIENT, 'clientSecretEnv', 'is missing; oauth2-client-credentials needs clientSecretEnv'],
    [REFRESH, 'clientIdEnv', 'is missing; oauth2-refresh needs clientIdEnv'],
    [REFRESH, 'issuer', 'is missing; oauth2-refresh needs issuer or tokenUrl'],
    [COMMAND, 'command', 'is missing; command needs command'],
  ])('%o says what it cannot do without: %s', async (credential, key, message) => {
    expect(await saidOf(without(credential, key))).toEqual({ [`credentials.it.${key}`]: message });
  });

  it('of a person needs a refresh token, or an address where the person signs in, which an issuer may say', async () => {
    const { issuer: _, refreshTokenEnv, ...bare } = REFRESH;
    const of = { ...bare, tokenUrl: 'https://login.example.com/token' };
    expect(await saidOf(of)).toEqual({
      'credentials.it.refreshTokenEnv':
        'is missing; oauth2-refresh needs refreshTokenEnv or deviceAuthorizationUrl or issuer',
    });
    const deviceAuthorizationUrl = 'https://login.example.com/device';
    await load({ yaml: yamlOf({ ...of, refreshTokenEnv }) });
    await load({ yaml: yamlOf({ ...of, deviceAuthorizationUrl }) });
    await load({ yaml: yamlOf(without(REFRESH, 'refreshTokenEnv')) });
    await load({ yaml: yamlOf({ ...REFRESH, deviceAuthorizationUrl }) });
    expect(
      await saidOf({ ...of, deviceAuthorizationUrl: 'http://login.example.com/device' }),
    ).toEqual({
      'credentials.it.deviceAuthorizationUrl': 'is not https, which is needed beyond this machine',
    });
    const misplaced = await saidOf({ ...CLIENT, deviceAuthorizationUrl });
    expect(Object.keys(misplaced)).toEqual(['credentials.it.deviceAuthorizationUrl']);
  });

  it('needs one of two addresses, and takes no second one that nobody would ask', async () => {
    expect(await saidOf(without(CLIENT, 'tokenUrl'))).toEqual({
      'credentials.it.issuer': 'is missing; oauth2-client-credentials needs issuer or tokenUrl',
    });
    expect(await saidOf({ ...CLIENT, issuer: 'https://login.example.com' })).toEqual({
      'credentials.it.issuer': 'stands beside tokenUrl; expected one of the two',
    });
  });

  it.each([
    [API_KEY, { scope: 'x' }],
    [API_KEY, { clientAuth: 'post' }],
    [API_KEY, { env: ['HOME'] }],
    [CLIENT, { refreshTokenEnv: 'R' }],
    [CLIENT, { reuseRefreshToken: true }],
    [CLIENT, { apiKeyEnv: 'K' }],
    [CLIENT, { args: ['x'] }],
    [REFRESH, { provider: 'paid' }],
    [REFRESH, { successCodes: [1] }],
    [COMMAND, { parameters: { audience: 'x' } }],
    [COMMAND, { clientSecretEnv: 'S' }],
  ])('%o refuses what belongs to another strategy: %o', async (credential, more) => {
    const [key] = Object.keys(more);
    const said = await saidOf({ ...credential, ...more });
    expect(Object.keys(said)).toEqual([`credentials.it.${key}`]);
    expect(said[`credentials.it.${key}`]).toMatch(
      new RegExp(`^is of no use to ${credential.strategy}; it knows: `),
    );
  });

  it.each([
    ['strategy', { ...COMMAND, strategy: 'oauth' }, /expected one of api-key, oauth2-client/],
    ['tokenUrl', { ...CLIENT, tokenUrl: 'login' }, /is something that is not shown.*URL/],
    ['tokenUrl', { ...CLIENT, tokenUrl: 'http://login.example.com/' }, /is not https/],
    ['tokenUrl', { ...CLIENT, tokenUrl: 'http://127.0.0.1.example.com/' }, /is not https/],
    ['tokenUrl', { ...CLIENT, tokenUrl: 'https://me:hunter2@x.example/' }, /name or password/],
    ['issuer', { ...REFRESH, issuer: 'ftp://login.example.com' }, /is not https/],
    ['clientSecretEnv', { ...CLIENT, clientSecretEnv: 's3cr3t!' }, /not shown here/],
    ['clientAuth', { ...CLIENT, clientAuth: 'header' }, /expected one of basic, post/],
    ['parameters', { ...CLIENT, parameters: 'x' }, /expected a mapping/],
    ['parameters.audience', { ...CLIENT, parameters: { audience: 1 } }, /expected text/],
    ['reuseRefreshToken', { ...REFRESH, reuseRefreshToken: 'no' }, /expected true or false/],
    ['command', { ...COMMAND, command: '' }, /at least 1 character/],
    ['args[1]', { ...COMMAND, args: ['a', 1] }, /expected text/],
    ['env[0]', { ...COMMAND, env: ['A B'] }, /./],
    ['successCodes[0]', { ...COMMAND, successCodes: [256] }, /at most 255/],
    ['retryCodes[0]', { ...COMMAND, retryCodes: [-1] }, /at least 0/],
    ['retryCodes', { ...COMMAND, retryCodes: [7, 0] }, /has 0, which is under successCodes/],
    ['successPattern', { ...COMMAND, successPattern: '(' }, /is no regular expression/],
    ['successPattern', { ...COMMAND, successPattern: '(?=x)' }, /is no regular expression/],
    ['provider', { ...API_KEY, provider: 'piad' }, /no such provider; did you mean "paid"/],
    ['secret', { ...CLIENT, secret: 'x' }, /is not a setting/],
  ])('with a wrong %s is refused: %o', async (key, credential, message) => {
    const said = await saidOf(credential);
    expect(Object.keys(said)).toEqual([`credentials.it.${key}`]);
    expect(said[`credentials.it.${key}`]).toMatch(message);
    expect(JSON.stringify(said)).not.toMatch(/hunter2|s3cr3t/);
  });

  it.each(['http://127.0.0.1:1/t', 'http://localhost/t', 'http://[::1]:9/t'])(
    'may be in the clear within this machine: %s',
    async (tokenUrl) => {
      await load({ yaml: yamlOf({ ...CLIENT, tokenUrl }) });
    },
  );

  it('has a name that can be written everywhere', async () => {
    const yaml = JSON.stringify({ credentials: { '../x': COMMAND } });
    const [problem] = await problemsOf({ yaml });
    expect(problem).toMatchObject({
      path: 'credentials.../x',
      message: expect.stringMatching(/^is a name that cannot be used; expected a letter/),
    });
  });

  it('with several mistakes, and another one, has all of them listed at once', async () => {
    const yaml = JSON.stringify({
      credentials: { one: { strategy: 'command', scope: 'x' }, two: { ...CLIENT, clientAuth: 1 } },
    });
    expect((await problemsOf({ yaml })).map(({ path }) => path).toSorted()).toEqual([
      'credentials.one.command',
      'credentials.one.scope',
      'credentials.two.clientAuth',
    ]);
  });
});

describe('what refers to a credential', () => {
  const company = (more: object) => ({
    providers: {
      ...PROVIDERS,
      company: { kind: 'openai-compatible', baseUrl: 'https://x.example/v1', ...more },
    },
  });

  it.each([
    ['gateway', { credential: 'gateway' }, /no such credential; .*known: it/],
    ['a login check', { credential: 'it' }, /is "it", a login check, which gives no key/],
    ['one of two keys', { credential: 'it', apiKeyEnv: 'K' }, /stands beside apiKeyEnv/],
  ])('must be able to use it: %s', async (_, more, message) => {
    expect(await saidOf(COMMAND, company(more))).toEqual({
      'providers.company.credential': expect.stringMatching(message),
    });
  });

  it('a program may have any credential that exists', async () => {
    const program = { preset: 'claude', credential: 'that' };
    expect(await saidOf(COMMAND, { cliProviders: { mine: program } })).toEqual({
      'cliProviders.mine.credential': expect.stringContaining('no such credential'),
    });
    const known = { cliProviders: { mine: { ...program, credential: 'it' } } };
    await load({ yaml: yamlOf(COMMAND, known) });
  });
});
