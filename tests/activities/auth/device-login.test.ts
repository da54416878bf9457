// A person signs in at a real server that speaks RFC 8628; what comes of it is kept in a real journal, by workers that share nothing else.
import { describe, expect, test } from 'vitest';
import type { Authenticator } from '../../../activities/auth/authenticator.ts';
import type { BegunLogin, LoginAnswer } from '../../../contracts/credential-login.ts';
import { postgres, sqlite } from '../../journal/support/dialects.ts';
import { DEVICE_CLIENT, DEVICE_SECRETS, startDeviceServer } from '../../support/device-server.ts';
import type { Decision, DeviceServer } from '../../support/device-server.ts';
import { authStage, newKey } from './stage.ts';
import type { AuthStage, AuthStageOptions } from './stage.ts';

const LOGIN = { credential: 'person', by: 'olga' };
const NEVER = new AbortController().signal;

const settingsFor = ({ tokenUrl, deviceUrl }: DeviceServer, more: object = {}) => ({
  ...{ strategy: 'oauth2-refresh', ...DEVICE_CLIENT },
  ...{ tokenUrl, deviceAuthorizationUrl: deviceUrl, ...more },
});

const stageFor = (
  server: DeviceServer,
  { more, ...options }: Partial<AuthStageOptions> & { more?: object } = {},
): Promise<AuthStage> =>
  authStage({
    credentials: { person: settingsFor(server, more) },
    secrets: { ...DEVICE_SECRETS },
    ...options,
  });

async function begin(worker: Authenticator): Promise<BegunLogin> {
  const begun = await worker.logins.begin(LOGIN, NEVER);
  if (begun.state !== 'begun') throw new Error(begun.message);
  return begun;
}

const ask = (worker: Authenticator, { sealed }: BegunLogin): Promise<LoginAnswer> =>
  worker.logins.ask({ ...LOGIN, sealed }, NEVER);

/** Without the server's interval: whoever asks too soon is told so, which other tests look at. */
async function decided(
  { server, worker }: { server: DeviceServer; worker: Authenticator },
  decision: Decision,
): Promise<LoginAnswer> {
  server.intervalS = 0.001;
  const begun = await begin(worker);
  server.decide(begun.code.userCode, decision);
  return ask(worker, begun);
}

const tokenOf = (worker: Authenticator) => worker.token('person', NEVER);

describe.each([sqlite, postgres])('a person signs in, with workers on $name,', (dialect) => {
  test('and each worker has the token, which is renewed as any other', async () => {
    await using server = await startDeviceServer();
    await using stage = await stageFor(server, { dialect, more: { scope: 'a offline_access' } });
    const [first, second] = [stage.worker(), stage.worker()];
    await expect(tokenOf(first)).rejects.toThrow('run "perdure auth login person"');
    server.intervalS = 0.001;
    const begun = await begin(first);
    expect(begun).toMatchObject({
      code: {
        userCode: expect.stringMatching(/^[A-Z]{4}-[A-Z]{4}$/),
        verificationUri: `${server.issuer}/device`,
        verificationUriComplete: `${server.issuer}/device?user_code=${begun.code.userCode}`,
      },
      expiresInMs: 600_000,
    });
    expect(server.begun[0]!.get('scope')).toBe('a offline_access');
    expect(await ask(first, begun)).toEqual({ state: 'pending' });
    server.decide(begun.code.userCode, 'approved');
    // Another worker asks: what the first one knew travels sealed.
    expect(await ask(second, begun)).toEqual({ state: 'succeeded', message: '' });
    const [, refresh, access] = server.issued;
    expect((await tokenOf(first)).value).toBe(access);
    expect((await tokenOf(second)).value).toBe(access);
    expect(server.asked).toHaveLength(2);
    await stage.database.execute('update credentials set expires_at = 1');
    expect((await tokenOf(stage.worker())).value).toBe(server.issued[4]);
    expect(server.asked[2]!.get('refresh_token')).toBe(refresh);
  });
});

describe('a login', () => {
  test('finds its addresses where the issuer says they are, and asks the issuer once', async () => {
    await using server = await startDeviceServer();
    const of = { tokenUrl: undefined, deviceAuthorizationUrl: undefined, issuer: server.issuer };
    await using stage = await stageFor(server, { more: of });
    expect(await decided({ server, worker: stage.worker() }, 'approved')).toMatchObject({
      state: 'succeeded',
    });
    expect(server.discoveries).toBe(1);
  });

  test.each([
    ['denied', 'denied', 'access_denied'],
    ['expired', 'expired', 'expired_token'],
  ] as const)('that was %s ends so, and nothing is stored', async (decision, state, code) => {
    for (const errorStatus of [400, 200]) {
      await using server = await startDeviceServer();
      await using stage = await stageFor(server);
      server.errorStatus = errorStatus;
      const message = `it answered ${errorStatus}: ${code}`;
      const worker = stage.worker();
      expect(await decided({ server, worker }, decision)).toEqual({ state, message });
      await expect(tokenOf(worker)).rejects.toThrow('nobody has signed in for it yet');
      const { items } = await stage.journal.audit.list({}, { limit: 10 });
      expect(items).toMatchObject([
        { action: 'credential.refused', subject: 'person', user: 'olga' },
      ]);
    }
  });

  test('is asked for again where nobody has decided, too soon, or where the server fails', async () => {
    await using server = await startDeviceServer();
    await using stage = await stageFor(server);
    const worker = stage.worker();
    const begun = await begin(worker);
    expect(await ask(worker, begun)).toEqual({ state: 'slow_down' });
    server.fail({ status: 503 }, { status: 429, headers: { 'retry-after': '7' } }, 'cut');
    expect(await ask(worker, begun)).toEqual({ state: 'unreachable' });
    expect(await ask(worker, begun)).toEqual({ state: 'unreachable', retryAfterMs: 7_000 });
    expect(await ask(worker, begun)).toEqual({ state: 'unreachable' });
  });

  test('whose server says "not yet" with the status of a success goes on', async () => {
    await using server = await startDeviceServer();
    await using stage = await stageFor(server);
    server.intervalS = 0.001;
    server.errorStatus = 200;
    const begun = await begin(stage.worker());
    expect(await ask(stage.worker(), begun)).toEqual({ state: 'pending' });
  });

  test('whose answer brings no refresh token fails, says what to do, and nothing is stored', async () => {
    await using server = await startDeviceServer();
    await using stage = await stageFor(server);
    server.givesRefreshTokens = false;
    const worker = stage.worker();
    expect(await decided({ server, worker }, 'approved')).toEqual({
      state: 'failed',
      message: expect.stringMatching(/no refresh token.*offline_access/),
    });
    expect(await stage.journal.credentials.list('local')).toEqual([]);
  });

  test('whose answer was lost is not taken for one: the server refuses the code, and it fails', async () => {
    await using server = await startDeviceServer();
    await using stage = await stageFor(server);
    server.intervalS = 0.001;
    const worker = stage.worker();
    const begun = await begin(worker);
    server.decide(begun.code.userCode, 'approved');
    server.fail('cut');
    expect(await ask(worker, begun)).toEqual({ state: 'unreachable' });
    expect(await ask(worker, begun)).toEqual({
      state: 'failed',
      message: 'it answered 400: invalid_grant',
    });
  });

  test('that was stored by a worker that went away before it could say so has succeeded', async () => {
    await using server = await startDeviceServer();
    await using stage = await stageFor(server);
    server.intervalS = 0.001;
    const begun = await begin(stage.worker());
    server.decide(begun.code.userCode, 'approved');
    await ask(stage.worker(), begun);
    expect(await ask(stage.worker(), begun)).toEqual({ state: 'succeeded', message: '' });
    expect(server.asked).toHaveLength(1);
  });

  test('takes the place of a token that was used up, and of one whose renewal is under way', async () => {
    await using server = await startDeviceServer();
    const secrets = { ...DEVICE_SECRETS, REFRESH: 'refresh-of-before' };
    await using stage = await stageFor(server, { secrets, more: { refreshTokenEnv: 'REFRESH' } });
    server.fail('cut');
    await expect(tokenOf(stage.worker())).rejects.toThrow();
    await expect(tokenOf(stage.worker())).rejects.toThrow('"perdure auth login person"');
    expect(await decided({ server, worker: stage.worker() }, 'approved')).toMatchObject({
      state: 'succeeded',
    });
    const access = server.issued.findLast((each) => each.startsWith('access-'));
    expect((await tokenOf(stage.worker())).value).toBe(access);
    // Somebody renews it, and the answer comes when the person has signed in again.
    await stage.database.execute('update credentials set expires_at = 1');
    server.fail('silence');
    void tokenOf(stage.worker()).catch(() => undefined);
    await expect.poll(() => server.answers.at(-1)).toBe('silence');
    expect(await decided({ server, worker: stage.worker() }, 'approved')).toMatchObject({
      state: 'succeeded',
    });
    const newest = server.issued.findLast((each) => each.startsWith('access-'));
    expect((await tokenOf(stage.worker())).value).toBe(newest);
  });

  test('gives way to another refresh token in the environment', async () => {
    await using server = await startDeviceServer();
    const secrets: Record<string, string> = { ...DEVICE_SECRETS };
    await using stage = await stageFor(server, { secrets, more: { refreshTokenEnv: 'REFRESH' } });
    await expect(tokenOf(stage.worker())).rejects.toThrow('REFRESH is not set');
    await decided({ server, worker: stage.worker() }, 'approved');
    await tokenOf(stage.worker());
    secrets['REFRESH'] = 'refresh-of-another';
    await expect(tokenOf(stage.worker())).rejects.toThrow('invalid_grant');
    expect(server.asked.at(-1)!.get('refresh_token')).toBe('refresh-of-another');
  });
});

describe('a login is refused before anybody enters a code', () => {
  const begunWith = async (more: object, options: Partial<AuthStageOptions> = {}) => {
    const server = await startDeviceServer();
    await using _ = server;
    await using stage = await stageFor(server, { more, ...options });
    const begun = await stage.worker().logins.begin(LOGIN, NEVER);
    return { begun, server };
  };

  test('where no key is set, so that nothing could be kept', async () => {
    await using server = await startDeviceServer();
    await using stage = await stageFor(server);
    expect(await stage.worker(null).logins.begin(LOGIN, NEVER)).toEqual({
      state: 'failed',
      message: expect.stringContaining('PERDURE_SECRET_KEY'),
    });
    expect(server.begun).toHaveLength(0);
  });

  test('where no address is known, the client is another, or nobody signs in for it', async () => {
    const { begun: nowhere } = await begunWith({ deviceAuthorizationUrl: undefined });
    expect(nowhere).toEqual({
      state: 'failed',
      message: expect.stringContaining('give it as deviceAuthorizationUrl'),
    });
    const wrong = { secrets: { ...DEVICE_SECRETS, DEVICE_SECRET: 'a-wrong-secret' } };
    const { begun: refused } = await begunWith({}, wrong);
    expect(refused).toEqual({ state: 'failed', message: 'it answered 401: invalid_client' });
    const { begun: machine } = await begunWith({ strategy: 'oauth2-client-credentials' });
    expect(machine).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('a person signs in for oauth2-refresh'),
    });
  });

  test.each([
    [{ user_code: 'AB\u001b[2JCD' }, 'cannot be shown'],
    [{ user_code: 'x'.repeat(65) }, 'cannot be shown'],
    [{ verification_uri: 'javascript:alert(1)' }, 'no http or https URL'],
    [{ verification_uri_complete: 'https://a.example/\u001b]8;;' }, 'no http or https URL'],
    [{ device_code: undefined }, 'device_code'],
  ])('where what is to be shown or kept is not fit for it: %j', async (more, said) => {
    await using server = await startDeviceServer();
    await using stage = await stageFor(server);
    server.more = more;
    expect(await stage.worker().logins.begin(LOGIN, NEVER)).toEqual({
      state: 'failed',
      message: expect.stringContaining(said),
    });
  });
});

test('device codes and tokens are in no log line and no answer, and encrypted in the journal; another key does not open them', async () => {
  await using server = await startDeviceServer();
  await using stage = await stageFor(server);
  server.intervalS = 0.001;
  const worker = stage.worker();
  const begun = await begin(worker);
  // The server repeats what it was given.
  const body = { error: 'server_error', error_description: server.issued.join(' ') };
  server.fail({ status: 503, body }, { status: 400, body: { ...body, error: 'invalid_scope' } });
  const answers: unknown[] = [begun, await ask(worker, begun), await ask(worker, begun)];
  expect(answers[2]).toMatchObject({ state: 'failed', message: expect.stringContaining('scope') });
  expect(await ask(stage.worker(newKey()), begun)).toMatchObject({
    state: 'failed',
    message: expect.stringContaining('PERDURE_SECRET_KEY'),
  });
  server.decide(begun.code.userCode, 'approved');
  answers.push(await ask(worker, begun));
  const row = await stage.journal.credentials.get({ tenant: 'local', name: 'person' });
  expect(row!.secret).toMatch(/^v1\./);
  const audit = await stage.journal.audit.list({}, { limit: 10 });
  expect(audit.items.map(({ action }) => action)).toContain('credential.accepted');
  const told = JSON.stringify([answers, row, audit.items]) + stage.logged.join('\n');
  expect(stage.logged.join('\n')).toContain('asking for a sign-in failed');
  expect(server.issued).toHaveLength(3);
  for (const secret of [...server.issued, DEVICE_SECRETS.DEVICE_SECRET])
    expect(told).not.toContain(secret);
});
