// Tokens of a real OAuth 2 server, kept in a real journal, by workers that share nothing else.
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { AuthFailure } from '../../../activities/auth/failure.ts';
import { CLIENT_SECRETS, startTokenServer } from '../../support/token-server.ts';
import type { TokenServer } from '../../support/token-server.ts';
import { postgres, sqlite } from '../../journal/support/dialects.ts';
import { authStage, newKey } from './stage.ts';
import type { AuthStage } from './stage.ts';

const CLIENT = { clientIdEnv: 'CLIENT_ID', clientSecretEnv: 'CLIENT_SECRET' };
const REFRESH = { strategy: 'oauth2-refresh', ...CLIENT, refreshTokenEnv: 'REFRESH' };
const SECRETS = { ...CLIENT_SECRETS, REFRESH: 'refresh-first' };

/** The stored token counts as ended. */
const END = 'update credentials set expires_at = 1';
/** Whoever holds a claim counts as gone. */
const GONE = 'update credentials set held_until = 1';

const clientStage = (server: TokenServer): Promise<AuthStage> =>
  authStage({
    credentials: {
      gateway: { strategy: 'oauth2-client-credentials', ...CLIENT, tokenUrl: server.tokenUrl },
    },
    secrets: { ...CLIENT_SECRETS },
  });

const refreshStage = (server: TokenServer, more: object = {}, secrets = { ...SECRETS }) =>
  authStage({
    credentials: { gateway: { ...REFRESH, tokenUrl: server.tokenUrl, ...more } },
    secrets,
  });

const refreshTokens = ({ requests }: TokenServer): (string | null)[] =>
  requests.map((request) => request.get('refresh_token'));

describe('a token of client credentials', () => {
  test('is had once, and then used by all workers until it is about to end', async () => {
    await using server = await startTokenServer();
    await using stage = await clientStage(server);
    const [first, second] = [stage.worker(), stage.worker()];
    const token = await stage.token(first);
    expect(token).toBe(server.issued[1]);
    expect(await stage.token(first)).toBe(token);
    expect(await stage.token(second)).toBe(token);
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]!.get('grant_type')).toBe('client_credentials');
  });

  test('is renewed before it ends', async () => {
    await using server = await startTokenServer();
    await using stage = await clientStage(server);
    // Renewed a minute before its end; half-way where it lives less than two.
    server.lifetimeS = 3_600;
    await stage.token(stage.worker());
    await stage.database.execute(
      'update credentials set expires_at = expires_at - 3600000 + 59000',
    );
    const worker = stage.worker();
    const next = await worker.token('gateway', new AbortController().signal);
    expect(next).toMatchObject({ value: server.issued[2], version: 2, renewed: true });
  });

  test('is used to its end where it cannot be renewed', async () => {
    await using server = await startTokenServer();
    await using stage = await clientStage(server);
    const token = await stage.token(stage.worker());
    await stage.database.execute(
      'update credentials set expires_at = expires_at - 3600000 + 59000',
    );
    server.fail({ status: 503 });
    expect(await stage.token(stage.worker())).toBe(token);
    await stage.database.execute(END);
    server.fail({ status: 503 });
    await expect(stage.token(stage.worker())).rejects.toThrow('it answered 503');
  });

  test('of which the server does not say when it ends is used until a provider refuses it', async () => {
    await using server = await startTokenServer();
    await using stage = await clientStage(server);
    server.lifetimeS = null;
    const [first, second] = [stage.worker(), stage.worker()];
    const token = await first.token('gateway', new AbortController().signal);
    expect(await stage.token(second)).toBe(token.value);
    await first.refused('gateway', token);
    expect(await stage.token(first)).toBe(server.issued[2]);
    // The other one still remembers it, and learns as the first did; nobody takes the new one away.
    await second.refused('gateway', token);
    expect(await stage.token(second)).toBe(server.issued[2]);
    expect(server.requests).toHaveLength(2);
  });

  test('is asked for where the issuer says that tokens are given', async () => {
    await using server = await startTokenServer();
    await using stage = await authStage({
      credentials: {
        gateway: { strategy: 'oauth2-client-credentials', ...CLIENT, issuer: server.issuer },
      },
      secrets: { ...CLIENT_SECRETS },
    });
    expect(await stage.token(stage.worker())).toBe(server.issued[1]);
  });

  test('is not given to a wrong secret, and the refusal says no more than its code', async () => {
    await using server = await startTokenServer();
    await using stage = await authStage({
      credentials: {
        gateway: { strategy: 'oauth2-client-credentials', ...CLIENT, tokenUrl: server.tokenUrl },
      },
      secrets: { CLIENT_ID: 'perdure', CLIENT_SECRET: 'a-wrong-secret' },
    });
    const worker = stage.worker();
    const error = await stage.token(worker).catch((thrown: unknown) => thrown);
    expect(worker.verdict('gateway', error)).toMatchObject({
      kind: 'invalid_credentials',
      retryable: false,
      reason: 'it answered 401: invalid_client',
    });
    const { items } = await stage.journal.audit.list({}, { limit: 10 });
    expect(items).toMatchObject([
      {
        action: 'credential.refused',
        subject: 'gateway',
        details: { strategy: 'oauth2-client-credentials', kind: 'invalid_credentials' },
      },
    ]);
  });
});

describe.each([sqlite, postgres])('a refresh token, with workers on $name,', (dialect) => {
  test('is used once, however many workers want an access token at once', async () => {
    await using server = await startTokenServer();
    await using stage = await authStage({
      dialect,
      credentials: { gateway: { ...REFRESH, tokenUrl: server.tokenUrl } },
      secrets: { ...SECRETS },
    });
    const workers = [stage.worker(), stage.worker(), stage.worker()];
    const gate = server.hold();
    const wanted = Promise.all(
      Array.from({ length: 12 }, (_, index) => stage.token(workers[index % 3]!)),
    );
    await expect.poll(() => server.requests.length).toBe(1);
    gate.open();
    expect(new Set(await wanted)).toEqual(new Set([server.issued[1]]));
    expect(refreshTokens(server)).toEqual(['refresh-first']);
    await stage.database.execute(END);
    const next = await Promise.all(workers.map((worker) => stage.token(worker)));
    // Those that remember the old one use it; a worker that starts now renews with the next refresh token.
    expect(new Set(next)).toEqual(new Set([server.issued[1]]));
    const fresh = [stage.worker(), stage.worker(), stage.worker()];
    const renewed = await Promise.all(fresh.map((worker) => stage.token(worker)));
    expect(new Set(renewed)).toEqual(new Set([server.issued[3]]));
    expect(refreshTokens(server)).toEqual(['refresh-first', server.issued[2]]);
  });
});

describe('a refresh token', () => {
  test('is sent again where the server answered with a failure, or was never reached', async () => {
    await using server = await startTokenServer();
    await using stage = await refreshStage(server);
    const worker = stage.worker();
    server.fail({ status: 503 }, { status: 429 });
    await expect(stage.token(worker)).rejects.toThrow('503');
    await expect(stage.token(worker)).rejects.toThrow('429');
    expect(await stage.token(worker)).toBe(server.issued[1]);
    expect(refreshTokens(server)).toEqual(Array.from({ length: 3 }, () => 'refresh-first'));
  });

  test.each([
    ['a connection that was cut', 'cut'],
    ['a gateway', { status: 504 }],
  ] as const)('whose exchange ended with %s is never sent again', async (_, fault) => {
    await using server = await startTokenServer();
    const secrets = { ...SECRETS };
    await using stage = await refreshStage(server, {}, secrets);
    const worker = stage.worker();
    server.fail(fault);
    await expect(stage.token(worker)).rejects.toThrow();
    const refused = await stage.token(worker).catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(AuthFailure);
    expect(worker.verdict('gateway', refused)).toMatchObject({
      kind: 'invalid_credentials',
      reason: expect.stringContaining('sign in again'),
    });
    expect(refreshTokens(server)).toEqual(['refresh-first']);
  });

  test('whose worker went away in the exchange is never sent again by another', async () => {
    await using server = await startTokenServer();
    await using stage = await refreshStage(server);
    server.fail('silence');
    void stage.token(stage.worker()).catch(() => undefined);
    await expect.poll(() => server.requests.length).toBe(1);
    await stage.database.execute(GONE);
    await expect(stage.token(stage.worker())).rejects.toThrow('sign in again');
    expect(refreshTokens(server)).toEqual(['refresh-first']);
  });

  test('is sent again all the same where the settings say that the server allows it', async () => {
    await using server = await startTokenServer();
    await using stage = await refreshStage(server, { reuseRefreshToken: true });
    const worker = stage.worker();
    server.fail({ status: 504 });
    await expect(stage.token(worker)).rejects.toThrow('504');
    expect(await stage.token(worker)).toBe(server.issued[1]);
  });

  test('that somebody has put in its place begins anew', async () => {
    await using server = await startTokenServer();
    const secrets = { ...SECRETS };
    await using stage = await refreshStage(server, {}, secrets);
    server.fail('cut');
    await expect(stage.token(stage.worker())).rejects.toThrow();
    await expect(stage.token(stage.worker())).rejects.toThrow('sign in again');
    // A person signs in again: the server knows another token by now.
    await using another = await startTokenServer('refresh-second');
    secrets.REFRESH = 'refresh-second';
    const moved = await authStage({
      credentials: { gateway: { ...REFRESH, tokenUrl: another.tokenUrl } },
      secrets,
    });
    expect(await moved.token(moved.worker())).toBe(another.issued[1]);
    await moved[Symbol.asyncDispose]();
    await expect(stage.token(stage.worker())).rejects.toThrow('invalid_grant');
    expect(refreshTokens(server)).toEqual(['refresh-first', 'refresh-second']);
  });
});

describe('stored tokens', () => {
  test('stand in the journal encrypted, and in no log line or audit row', async () => {
    await using server = await startTokenServer();
    await using stage = await refreshStage(server);
    await stage.token(stage.worker());
    server.fail({ status: 503 });
    await stage.database.execute(END);
    await stage.token(stage.worker()).catch(() => undefined);
    const row = await stage.journal.credentials.get({ tenant: 'local', name: 'gateway' });
    const audit = await stage.journal.audit.list({}, { limit: 100 });
    const places = [JSON.stringify(row), JSON.stringify(audit), stage.logged.join('\n')];
    for (const secret of [...server.issued, CLIENT_SECRETS.CLIENT_SECRET])
      for (const place of places) {
        expect(place).not.toContain(secret);
        expect(place).not.toContain(Buffer.from(secret).toString('base64url').slice(0, 16));
      }
    expect(row!.secret).toMatch(/^v1\.[0-9a-f]{8}\./);
  });

  test('are refused without a key, and the refusal says what to do', async () => {
    await using server = await startTokenServer();
    await using stage = await clientStage(server);
    await expect(stage.token(stage.worker(null))).rejects.toThrow('PERDURE_SECRET_KEY');
    expect(server.requests).toHaveLength(0);
  });

  test('are read with a key of before, and encrypted anew', async () => {
    await using server = await startTokenServer();
    await using stage = await clientStage(server);
    const [before, now] = [randomBytes(32), randomBytes(32)];
    const token = await stage.token(stage.worker({ current: before, old: [] }));
    expect(await stage.token(stage.worker({ current: now, old: [before] }))).toBe(token);
    // The old key is not needed any more.
    expect(await stage.token(stage.worker({ current: now, old: [] }))).toBe(token);
    expect(server.requests).toHaveLength(1);
  });

  test('that no key opens are had anew, and the log says so', async () => {
    await using server = await startTokenServer();
    await using stage = await clientStage(server);
    await stage.token(stage.worker(newKey()));
    expect(await stage.token(stage.worker(newKey()))).toBe(server.issued[2]);
    expect(stage.logged.join('\n')).toContain('cannot be decrypted');
  });

  test('of a person that no key opens are no reason to send the used refresh token again; once forgotten, it begins anew', async () => {
    await using server = await startTokenServer();
    const secrets = { ...SECRETS };
    await using stage = await refreshStage(server, {}, secrets);
    const before = newKey();
    await stage.token(stage.worker(before));
    const wrong = stage.worker(newKey());
    const refused = await stage.token(wrong).catch((thrown: unknown) => thrown);
    expect(wrong.verdict('gateway', refused)).toMatchObject({
      kind: 'misconfigured',
      reason: expect.stringMatching(/PERDURE_OLD_SECRET_KEYS.*perdure auth forget gateway/),
    });
    expect(refreshTokens(server)).toEqual(['refresh-first']);
    // The right key is still good for what is stored.
    expect(await stage.token(stage.worker(before))).toBe(server.issued[1]);
    await stage.journal.credentials.forget({ tenant: 'local', name: 'gateway' });
    secrets.REFRESH = server.issued[2]!;
    expect(await stage.token(wrong)).toBe(server.issued[3]);
    expect(refreshTokens(server)).toEqual(['refresh-first', server.issued[2]]);
  });
});
