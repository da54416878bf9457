/**
 * Whole sessions that sign in in every way, with providers and programs that repeat the secrets they were given; then everything that is kept and told
 * is searched for them: histories, events, journal, logs, metrics, answers. They are nowhere, but encrypted.
 */
import { randomBytes } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { createSecretBox } from '../../activities/auth/secret-box.ts';
import { openPostgresJournal } from '../../journal/postgres.ts';
import { openSqliteJournal } from '../../journal/sqlite.ts';
import type { Journal } from '../../journal/port.ts';
import type { SessionId } from '../../contracts/ids.ts';
import { startCluster } from '../support/cluster.ts';
import type { Cluster } from '../support/cluster.ts';
import { postgresDatabase } from '../support/database.ts';
import { everythingKept } from '../support/everything-kept.ts';
import { startGuardedModel } from '../support/guarded-model.ts';
import type { GuardedModel } from '../support/guarded-model.ts';
import { BASH } from '../support/programs/described.ts';
import { secretsIn } from '../support/secret-search.ts';
import type { Place, Secret } from '../support/secret-search.ts';
import { CLIENT_SECRETS, startTokenServer } from '../support/token-server.ts';
import type { TokenServer } from '../support/token-server.ts';
import { postJson, startSession, watch } from '../support/watcher.ts';

vi.setConfig({ testTimeout: 480_000 });

const FIRST_REFRESH = 'refresh-token-that-a-person-was-given';
const PRINTED = 'token-that-a-login-check-prints';
const SECRET_KEY = randomBytes(32);
const OAUTH = { clientIdEnv: 'CLIENT_ID', clientSecretEnv: 'CLIENT_SECRET' };
const PRINTS = 'echo "signed in with $PRINTED"; echo "$PRINTED" >&2';

const ENV = {
  ...CLIENT_SECRETS,
  REFRESH: FIRST_REFRESH,
  PRINTED,
  PERDURE_SECRET_KEY: SECRET_KEY.toString('base64'),
};

const login = (script: string) => ({
  strategy: 'command',
  command: 'sh',
  args: ['-c', script],
  env: ['PATH', 'PRINTED'],
});

const settingsFor = (tokenUrl: string, modelUrl: string): Record<string, unknown> => {
  const provider = { kind: 'openai-compatible', baseUrl: `${modelUrl}/v1` };
  const model = { model: 'm', contextTokens: 100_000 };
  return {
    credentials: {
      gateway: { strategy: 'oauth2-client-credentials', tokenUrl, ...OAUTH },
      person: { strategy: 'oauth2-refresh', tokenUrl, ...OAUTH, refreshTokenEnv: 'REFRESH' },
      login: login(PRINTS),
      signedOut: login(`${PRINTS}; exit 1`),
    },
    providers: {
      company: { ...provider, credential: 'gateway' },
      personal: { ...provider, credential: 'person' },
    },
    models: { fast: { provider: 'company', ...model }, mine: { provider: 'personal', ...model } },
    cliProviders: Object.fromEntries(
      ['gateway', 'person', 'login', 'signedOut'].map((credential) => [
        `with-${credential}`,
        { ...BASH, credential },
      ]),
    ),
    agents: {
      fast: { model: 'fast', tools: [] },
      mine: { model: 'mine', tools: [] },
      ...Object.fromEntries(
        ['gateway', 'person', 'login', 'signedOut'].map((credential) => [
          `shell-${credential}`,
          { engine: { cli: `with-${credential}` } },
        ]),
      ),
    },
    defaultModel: 'fast',
    defaultAgent: 'fast',
    log: { level: 'debug' },
  };
};

interface Spoken {
  readonly sessionId: SessionId;
  readonly outcome: string;
  /** How each sign-in in the session's log ended. */
  readonly signIns: readonly string[];
}

async function talk({ urls }: Cluster, agent: string, messages: readonly string[]) {
  const sessionId = await startSession(urls[0]!, { agent });
  await using watcher = watch(urls, sessionId);
  let outcome = '';
  for (const message of messages)
    outcome = (await watcher.settled(await watcher.send(message))).outcome ?? '';
  const signIns = watcher.events.flatMap(({ type, data }) =>
    type === 'auth.settled' ? [`${data.credential} ${data.outcome}`] : [],
  );
  return { sessionId, outcome, signIns } satisfies Spoken;
}

/** Sessions of models and programs, good and bad answers of the providers, checks by an operator. */
async function signInEverywhere(
  cluster: Cluster,
  { tokens, model }: { tokens: TokenServer; model: GuardedModel },
): Promise<readonly Spoken[]> {
  const check = (name: string) =>
    postJson(`${cluster.urls[0]}/api/credentials/${name}/check`, { renew: true });
  const spoken = [
    await talk(cluster, 'fast', ['#one tokens=3', '#two tokens=3']),
    await talk(cluster, 'mine', ['#one tokens=3']),
  ];
  // The provider repeats the token in its refusal; the identity server the secrets in its own.
  model.refuse = 1;
  spoken.push(await talk(cluster, 'mine', ['#three tokens=3']));
  const said = [...tokens.issued, CLIENT_SECRETS.CLIENT_SECRET].join(' ');
  const body = { error: 'server_error', error_description: said.slice(-190) };
  for (const name of ['gateway', 'person']) {
    tokens.fail({ status: 503, body });
    await check(name);
  }
  for (const name of ['gateway', 'person', 'login', 'signedOut'])
    spoken.push(await talk(cluster, `shell-${name}`, ['echo hello']));
  tokens.fail({ status: 400, body: { ...body, error: 'invalid_client' } });
  await check('gateway');
  await check('signedOut');
  return spoken;
}

const pathsOf = (sessions: readonly Spoken[]): string[] => [
  ...['credentials', 'audit?limit=200', 'system', 'sessions', 'agents'].map((it) => `/api/${it}`),
  ...sessions.flatMap(({ sessionId }) =>
    ['', '?live=true', '/events?limit=1000', '/history', '/transcript'].map(
      (end) => `/api/sessions/${sessionId}${end}`,
    ),
  ),
];

const secretsOf = ({ issued }: TokenServer): readonly Secret[] => [
  ...issued.map((value) => ({ name: 'token', value })),
  { name: 'client secret', value: CLIENT_SECRETS.CLIENT_SECRET },
  { name: 'printed secret', value: PRINTED },
  { name: 'secret key', value: ENV.PERDURE_SECRET_KEY },
];

/** What the key of the fleet makes of the stored tokens. */
async function opened(journal: Journal): Promise<string> {
  const box = createSecretBox({ current: SECRET_KEY, old: [] });
  const rows = await journal.credentials.list('local');
  return rows.map(({ secret, ...place }) => box.open(secret ?? '', place)?.text).join('\n');
}

const SQLITE = { open: async () => undefined };
const POSTGRES = { open: postgresDatabase };

describe.each([
  ['one process on SQLite', SQLITE],
  ['a fleet on PostgreSQL', POSTGRES],
] as const)('in %s', (_, { open }) => {
  test('no token, refresh token, client secret or output of a login check is anywhere but encrypted', async () => {
    await using tokens = await startTokenServer(FIRST_REFRESH);
    await using model = await startGuardedModel(tokens);
    await using stack = new AsyncDisposableStack();
    const database = await open();
    if (database) stack.use(database);
    const cluster = stack.use(
      await startCluster({
        ...(database && { postgresUrl: database.url }),
        settings: settingsFor(tokens.tokenUrl, model.url),
        env: ENV,
      }),
    );
    model.model = cluster.model.url;
    const spoken = await signInEverywhere(cluster, { tokens, model });
    expect(spoken.map(({ outcome }) => outcome)).toEqual([
      ...Array.from({ length: 6 }, () => 'completed'),
      'failed',
    ]);
    expect(spoken.flatMap(({ signIns }) => signIns)).toEqual(
      expect.arrayContaining(
        ['gateway', 'person', 'login']
          .map((name) => `${name} succeeded`)
          .concat('signedOut failed'),
      ),
    );
    expect(new Set(model.seen).size).toBeGreaterThanOrEqual(3);
    expect(tokens.issued.length).toBeGreaterThanOrEqual(7);

    const places = await everythingKept(cluster, {
      paths: pathsOf(spoken),
      postgresUrl: database?.url,
    });
    expect(secretsIn(places, secretsOf(tokens))).toEqual([]);
    expectLooked(places, spoken);
    for (const process of new Set([...cluster.apis, ...cluster.workers])) await process.drain();
    await using journal = await journalOf(cluster, database?.url);
    const clear = await opened(journal.it);
    const kept = tokens.issued.filter((token) => clear.includes(token));
    expect(kept.length).toBeGreaterThanOrEqual(3);
  });
});

/** The search would find a secret: it finds what is there, in each kind of place. */
function expectLooked(places: readonly Place[], [first]: readonly Spoken[]): void {
  const found = secretsIn(places, [{ name: 'session', value: first!.sessionId }]);
  for (const where of [`history of ${first!.sessionId}`, 'temporal.db', '/api/sessions/', '.log'])
    expect(found.join('\n')).toContain(where);
  expect(found.join('\n')).toMatch(/in (table \w+\.sessions|home\/journal\.db)/);
  const names = secretsIn(places, [{ name: 'credential', value: 'credential-check' }]);
  expect(names.join('\n')).toContain('in values in the history of credential-check-');
}

async function journalOf({ folder }: Cluster, url: string | undefined) {
  const it =
    url === undefined
      ? await openSqliteJournal({ file: `${folder}/home/journal.db`, synchronous: 'normal' })
      : await openPostgresJournal({ url, poolSize: 1 });
  return { it, [Symbol.asyncDispose]: () => it.close() };
}
