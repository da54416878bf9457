// Operators sign in for a credential of the installation: a worker has the code and keeps the tokens; the API shows the one and never the others.
import { randomBytes } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { historyOf } from '../support/everything-kept.ts';
import { DEVICE_CLIENT, DEVICE_SECRETS, startDeviceServer } from '../support/device-server.ts';
import type { DeviceServer } from '../support/device-server.ts';
import { secretsIn } from '../support/secret-search.ts';
import { eventually, startFixture } from './support/fixture.ts';
import type { Answer, Fixture, FixtureOptions } from './support/fixture.ts';

// A person waits as long as the interval of the server, several times.
vi.setConfig({ testTimeout: 120_000 });

const WAIT = '?wait=120s';

const settingsFor = ({ tokenUrl, deviceUrl }: DeviceServer): FixtureOptions['settings'] => {
  const oauth = { tokenUrl, ...DEVICE_CLIENT };
  const person = {
    strategy: 'oauth2-refresh',
    ...oauth,
    deviceAuthorizationUrl: deviceUrl,
  } as const;
  return {
    credentials: {
      // A history of the same name is another test's.
      [nameOf(tokenUrl)]: person,
      machine: { strategy: 'oauth2-client-credentials', ...oauth },
    },
  };
};

/** All tests share one Temporal, where a login has the name of its credential. */
const nameOf = (tokenUrl: string): string => `person-${new URL(tokenUrl).port}`;

interface Stage extends AsyncDisposable {
  readonly server: DeviceServer;
  readonly product: Fixture;
  readonly path: string;
  readonly begin: (key?: string, body?: object) => Promise<Answer>;
  readonly stateOf: (loginId: unknown, wait?: string, key?: string) => Promise<Answer>;
  readonly operator: string;
}

async function stage(options: FixtureOptions = {}): Promise<Stage> {
  await using parts = new AsyncDisposableStack();
  const server = parts.use(await startDeviceServer());
  const product = parts.use(
    await startFixture({
      worker: true,
      secrets: DEVICE_SECRETS,
      secretKeys: { current: randomBytes(32), old: [] },
      settings: settingsFor(server),
      ...options,
    }),
  );
  const operator = await product.key('local', 'olga', 'operator');
  const path = `/api/credentials/${nameOf(server.tokenUrl)}/login`;
  const kept = parts.move();
  return {
    ...{ server, product, path, operator },
    begin: (key = operator, body = {}) => product.send('POST', path, { key, body }),
    stateOf: (loginId, wait = '', key = operator) =>
      product.send('GET', `${path}/${String(loginId)}${wait}`, { key }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const codeOf = ({ body }: Answer) => body['code'] as unknown as Record<string, string>;
const actionsOf = async ({ product, operator }: Stage) =>
  (await product.send('GET', '/api/audit', { key: operator })).body.items.map(
    ({ action, user }) => `${String(action)} ${String(user)}`,
  );

test('an operator is given a code, a person decides, and the token is stored and used; nobody is shown a secret', async () => {
  await using at = await stage();
  const { server, product, operator } = at;
  const begun = await at.begin();
  expect(begun.status).toBe(200);
  expect(begun.body).toMatchObject({ state: 'waiting', message: '' });
  const { userCode, verificationUri, expiresAt } = codeOf(begun);
  expect(verificationUri).toBe(`${server.issuer}/device`);
  expect(Date.parse(expiresAt!)).toBeGreaterThan(Date.now());
  const { loginId } = begun.body;
  const waiting = await at.stateOf(loginId);
  expect(waiting.body).toEqual({
    credential: begun.body['credential'],
    ...{ loginId, state: 'waiting', message: '' },
  });
  await expect.poll(() => server.answers).toContain('authorization_pending');
  server.decide(userCode!, 'approved');
  const ended = await at.stateOf(loginId, WAIT);
  expect(ended.body).toMatchObject({ loginId, state: 'succeeded', message: '' });
  expect(server.answers.slice(0, -1)).not.toContain('slow_down');
  const listed = await product.send('GET', '/api/credentials', { key: operator });
  expect(JSON.stringify(listed.body)).toContain('"stored":{"version":1');
  const name = String(begun.body['credential']);
  const checked = await product.send('POST', `/api/credentials/${name}/check`, {
    ...{ key: operator, body: { renew: true } },
  });
  expect(checked.body).toMatchObject({ outcome: 'succeeded' });
  expect(server.asked.at(-1)!.get('refresh_token')).toMatch(/^refresh-/);
  expect(await actionsOf(at)).toEqual(
    expect.arrayContaining(['credential.login_begun olga', 'credential.accepted olga']),
  );
  const handle = product.temporal.client.workflow.getHandle(`credential-login-${name}`);
  const audit = await product.send('GET', '/api/audit', { key: operator });
  const places = [
    ...(await historyOf(handle)),
    ...[begun, waiting, ended, listed, checked, audit].map(({ body }) => ({
      where: 'an answer',
      bytes: JSON.stringify(body),
    })),
    {
      where: 'the journal',
      bytes: JSON.stringify(await product.journal.credentials.list('local')),
    },
  ];
  const secrets = [...server.issued, DEVICE_SECRETS.DEVICE_SECRET];
  expect(secrets.length).toBeGreaterThanOrEqual(6);
  expect(
    secretsIn(
      places,
      secrets.map((value) => ({ name: 'secret', value })),
    ),
  ).toEqual([]);
  // It would find one: what is shown is there.
  const shown = secretsIn(places, [{ name: 'code', value: `/device?user_code=${userCode}` }]).join(
    '\n',
  );
  expect(shown).toContain('in an answer');
  expect(shown).toContain('history');
});

test('a login is for operators of the installation: nobody else begins, sees or ends one', async () => {
  await using at = await stage();
  const { server, product, path } = at;
  const { body } = await at.begin();
  const one = `${path}/${String(body['loginId'])}`;
  const requests = [
    ['POST', path],
    ['GET', one],
    ['DELETE', one],
  ] as const;
  const answersTo = (key: string) =>
    Promise.all(
      requests.map(async ([method, url]) => {
        const { body: said } = await product.send(method, url, {
          key,
          ...(method === 'POST' && { body: { anew: true } }),
        });
        expect(JSON.stringify(said)).not.toContain(codeOf({ body } as Answer)['userCode']);
        return said.code;
      }),
    );
  const stranger = await product.key('another', 'eve', 'operator');
  expect(await answersTo(stranger)).toEqual(['not_found', 'not_found', 'not_found']);
  for (const role of ['user', 'runner'] as const) {
    const key = await product.key('local', 'ann', role);
    expect(await answersTo(key)).toEqual(['forbidden', 'forbidden', 'forbidden']);
  }
  expect((await at.stateOf(body['loginId'])).body).toMatchObject({ state: 'waiting' });
  expect(server.begun).toHaveLength(1);
});

test('while one is open the same person is shown its code again, another is refused, and may end it and begin anew', async () => {
  await using at = await stage();
  const { server, product } = at;
  const first = await at.begin();
  const again = await at.begin();
  expect(again.body).toEqual(first.body);
  expect(server.begun).toHaveLength(1);
  const other = await product.key('local', 'otto', 'operator');
  const refused = await at.begin(other);
  expect([refused.status, refused.body.code]).toEqual([409, 'login_open']);
  expect(refused.body.detail).toMatch(/^olga is signing in for "person-\d+", until \d{4}-/);
  expect(JSON.stringify(refused.body)).not.toContain(codeOf(first)['userCode']);
  const anew = await at.begin(other, { anew: true });
  expect(anew.body).toMatchObject({ state: 'waiting' });
  expect(anew.body['loginId']).not.toBe(first.body['loginId']);
  expect((await at.stateOf(first.body['loginId'])).body).toMatchObject({ state: 'cancelled' });
  // The code of before is worth nothing any more.
  server.decide(codeOf(first)['userCode']!, 'approved');
  server.decide(codeOf(anew)['userCode']!, 'denied');
  expect((await at.stateOf(anew.body['loginId'], WAIT)).body).toEqual({
    ...{ credential: anew.body['credential'], loginId: anew.body['loginId'] },
    ...{ state: 'denied', message: 'it answered 400: access_denied' },
  });
  expect(await product.journal.credentials.list('local')).toEqual([]);
});

test('a login ends when it is told to, once, and is not begun by asking', async () => {
  await using at = await stage();
  const { product, path, operator } = at;
  const { body } = await at.begin();
  const end = () => product.send('DELETE', `${path}/${String(body['loginId'])}`, { key: operator });
  expect((await end()).body).toMatchObject({ state: 'cancelled' });
  expect((await end()).body).toMatchObject({ state: 'cancelled' });
  expect(await actionsOf(at)).toContain('credential.login_cancelled olga');
  const nobody = await at.stateOf('00000000-0000-4000-8000-000000000000');
  expect([nobody.status, nobody.body.code]).toEqual([404, 'not_found']);
  const malformed = await at.stateOf('nonsense');
  expect([malformed.status, malformed.body.field]).toEqual([400, 'loginId']);
  const machine = await product.send('POST', '/api/credentials/machine/login', {
    ...{ key: operator, body: {} },
  });
  expect([machine.status, machine.body.field]).toEqual([400, 'name']);
  expect(machine.body.detail).toContain('oauth2-client-credentials');
});

test('a login goes on while the API is restarted, where the server fails and where it is asked too often', async () => {
  await using at = await stage();
  const { server, product } = at;
  server.fail({ status: 503 }, { status: 400, body: { error: 'slow_down' } });
  const { body } = await at.begin();
  const code = codeOf({ body } as Answer)['userCode']!;
  await product.restartApi();
  expect((await at.begin()).body).toEqual(body);
  await eventually(
    async () => server.answers,
    (answers) => answers.includes('authorization_pending'),
  );
  expect(server.answers.slice(0, 3)).toEqual(['503', '400', 'authorization_pending']);
  server.decide(code, 'approved');
  expect((await at.stateOf(body['loginId'], WAIT)).body).toMatchObject({ state: 'succeeded' });
});

test('a code that nobody enters expires by itself, whatever the server says of it', async () => {
  await using at = await stage();
  at.server.expiresInS = 2;
  at.server.intervalS = 60;
  const { body } = await at.begin();
  expect((await at.stateOf(body['loginId'], WAIT)).body).toMatchObject({
    ...{ state: 'expired', message: 'nobody decided in time' },
  });
  expect(at.server.asked).toHaveLength(0);
});

test('a login that cannot begin says why, and nothing is left open', async () => {
  await using at = await stage({ secretKeys: undefined });
  for (let times = 0; times < 2; times++) {
    const { status, body } = await at.begin();
    expect(status).toBe(200);
    expect(body).toMatchObject({ state: 'failed' });
    expect(body['message']).toContain('PERDURE_SECRET_KEY');
    expect(body['code']).toBeUndefined();
  }
});
