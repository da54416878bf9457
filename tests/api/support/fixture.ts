/** The whole product in one process for tests of the API: real HTTP, journal, Temporal and worker; only the model's provider is ours. */
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createAuthenticator } from '../../../activities/auth/create-authenticator.ts';
import { createSessionActivities } from '../../../activities/session.ts';
import { toolRegistry } from '../../../activities/tools/registry.ts';
import { startApi } from '../../../api/server.ts';
import type { Sweeping } from '../../../api/sweeper.ts';
import { hashSecret, newSecret } from '../../../api/auth/secret.ts';
import { settingsSchema, type SettingsInput } from '../../../config/schema.ts';
import { resolveSettings, type Settings } from '../../../config/settings.ts';
import type { SecretKeys } from '../../../contracts/credentials.ts';
import { newId } from '../../../contracts/ids.ts';
import { agentSchema, modelSchema, type ModelCatalogue } from '../../../contracts/settings.ts';
import type { Journal, Role } from '../../../journal/port.ts';
import { migrate } from '../../../journal/migrate.ts';
import { openPostgresJournal } from '../../../journal/postgres.ts';
import { openSqliteJournal } from '../../../journal/sqlite.ts';
import { testBundle } from '../../support/bundle.ts';
import { postgresDatabase } from '../../support/database.ts';
import { sharedTemporal, type SharedTemporal } from '../../support/dev-server.ts';
import { startModelServer, type ModelServer } from '../../support/model-server.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const WORKFLOWS = fileURLToPath(new URL('../../../workflows/index.ts', import.meta.url));

/** A worker on a busy machine may take longer than a person waits. */
const PATIENT_MS = 60_000;

/** For tests that must pass on both. */
export const DIALECTS = ['sqlite', 'postgres'] as const;

export interface FixtureOptions {
  readonly settings?: Partial<SettingsInput>;
  /** Without one, sessions stay in `starting`. */
  readonly worker?: boolean;
  /** Instead of the shared dev server's. */
  readonly temporalClient?: Client;
  /** Wraps the journal, to make it fail. */
  readonly wrap?: (journal: Journal) => Journal;
  /** The same for the worker's. */
  readonly spoil?: (journal: Journal) => Journal;
  /** SQLite where absent. */
  readonly dialect?: Journal['dialect'];
  readonly sweeping?: Sweeping;
  /** Environment variables of the worker. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** With them the worker keeps tokens. */
  readonly secretKeys?: SecretKeys | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Tests look into answers of every shape.
  readonly body: Json;
}
export type Json = Record<string, unknown> & {
  readonly sessionId: `ses_${string}`;
  readonly messageId: `msg_${string}`;
  readonly items: Json[];
  readonly code: string;
  readonly detail: string;
  readonly field: string;
};

export interface RequestOptions {
  readonly body?: unknown;
  readonly key?: string | undefined;
  readonly headers?: Record<string, string>;
}

type Send = (method: string, path: string, options?: RequestOptions) => Promise<Answer>;

export interface Fixture extends AsyncDisposable {
  readonly url: string;
  readonly folder: string;
  readonly settings: Settings;
  readonly journal: Journal;
  readonly models: ModelServer;
  readonly temporal: SharedTemporal;
  readonly taskQueue: string;
  readonly registry: Registry;
  /** Restarts the API on the same journal, as after a crash of the process. */
  restartApi(): Promise<void>;
  /** One more API on the same journal and Temporal, as in a fleet: it shares no memory with the first. */
  addApi(): Promise<Pick<Fixture, 'url' | 'send'>>;
  /** Where the fixture was made without one. */
  startWorker(): Promise<void>;
  readonly send: Send;
  /** A working key. */
  key(tenant: string, user: string, role?: Role): Promise<string>;
}

const CLIENT_TOOL = {
  name: 'ask',
  description: 'Asks the person.',
  inputSchema: { type: 'object' as const, properties: { question: { type: 'string' } } },
};

function catalogueFor(
  models: ModelServer,
  providers: SettingsInput['providers'] = {},
): ModelCatalogue {
  const model = modelSchema.parse({ provider: 'fake', model: 'fake-1' });
  return {
    providers: {
      fake: { kind: 'openai-compatible', baseUrl: `${models.url}/v1` },
      ...providers,
    },
    models: { fake: model, other: model },
    agents: {
      assistant: agentSchema.parse({ model: 'fake', tools: [] }),
      // What changes a machine is asked about.
      editor: agentSchema.parse({
        ...{ model: 'fake', tools: [] },
        approvals: { edit_file: 'always', run_command: 'always' },
      }),
      // Works on a person's machine.
      abroad: agentSchema.parse({
        model: 'fake',
        tools: ['read_file'],
        runner: { name: 'abroad' },
      }),
      asker: agentSchema.parse({ model: 'fake', tools: [], clientTools: [CLIENT_TOOL] }),
      // A person is asked before each call, but for questions that are denied.
      careful: agentSchema.parse({
        model: 'fake',
        tools: [],
        clientTools: [{ ...CLIENT_TOOL, approval: 'always' }],
        approvalPolicy: [
          {
            arguments: [{ pointer: '/question', matches: 'password' }],
            action: 'deny',
            reason: 'Passwords are nobody’s business.',
          },
        ],
      }),
    },
    defaultModel: 'fake',
    defaultAgent: 'assistant',
  };
}

export async function startFixture(options: FixtureOptions = {}): Promise<Fixture> {
  await using parts = new AsyncDisposableStack();
  const { path: folder } = parts.use(await temporaryFolder());
  const models = parts.use(await startModelServer());
  const temporal = parts.use(await sharedTemporal());
  const catalogue = catalogueFor(models, options.settings?.providers);
  const settings = settingsFor(options.settings, { folder, catalogue });
  const opened = await openJournal(options.dialect ?? 'sqlite', { folder, parts });
  const journal = options.wrap?.(opened) ?? opened;
  const taskQueue = `api-test-${randomUUID()}`;
  const product = { settings, journal: options.spoil?.(opened) ?? opened, temporal, taskQueue };
  const { secrets, secretKeys } = options;
  const worker = { ...product, secrets, secretKeys };
  if (options.worker) await runWorker(worker, parts);
  let registry = new Registry();
  const start = () =>
    startApi({
      ...{ settings, journal, catalogue, log: SILENT, taskQueue },
      metrics: (registry = new Registry()),
      temporalClient: options.temporalClient ?? temporal.client,
      sweeping: options.sweeping,
    });
  let api = await start();
  parts.defer(() => api.close());
  const kept = parts.move();
  return {
    get url() {
      return api.url;
    },
    get registry() {
      return registry;
    },
    ...{ folder, settings, journal, models, temporal, taskQueue },
    startWorker: () => runWorker(worker, kept),
    async restartApi() {
      await api.close();
      api = await start();
    },
    async addApi() {
      const added = await start();
      kept.defer(() => added.close());
      return { url: added.url, send: sendTo(added.url) };
    },
    send: (...request) => sendTo(api.url)(...request),
    key: (tenant, user, role = 'user') => insertKey(opened, { tenant, user, role }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const SILENT = pino({ level: 'silent' });

async function openJournal(
  dialect: Journal['dialect'],
  { folder, parts }: { folder: string; parts: AsyncDisposableStack },
): Promise<Journal> {
  const file = join(folder, 'journal.sqlite');
  const open = async () => {
    if (dialect === 'sqlite') return openSqliteJournal({ file, synchronous: 'normal' });
    const { url } = parts.use(await postgresDatabase());
    await migrate({ url }, 'up');
    return openPostgresJournal({ url, poolSize: 4 });
  };
  const journal = await open();
  parts.defer(() => journal.close());
  return journal;
}

async function runWorker(
  {
    settings,
    journal,
    temporal,
    taskQueue,
    secrets = {},
    secretKeys,
  }: Pick<Fixture, 'settings' | 'journal' | 'temporal' | 'taskQueue'> &
    Pick<FixtureOptions, 'secrets' | 'secretKeys'>,
  parts: AsyncDisposableStack,
): Promise<void> {
  const { timeouts, policies, catalogue, credentials } = settings;
  const known = { journal, catalogue, policies, log: SILENT };
  const lookUp = (name: string) => secrets[name];
  const worker = await Worker.create({
    connection: temporal.nativeConnection,
    taskQueue,
    workflowBundle: await testBundle(WORKFLOWS),
    activities: createSessionActivities({
      ...{ ...known, timeouts, secrets: lookUp },
      authenticator: createAuthenticator({ ...known, secrets: lookUp, secretKeys, credentials }),
      tools: toolRegistry({ timeouts, home: settings.home, runners: journal.runners }),
    }),
  });
  const running = worker.run();
  parts.defer(async () => {
    worker.shutdown();
    await running;
  });
}

function settingsFor(
  input: Partial<SettingsInput> | undefined,
  { folder, catalogue }: { folder: string; catalogue: ModelCatalogue },
): Settings {
  const parsed = settingsSchema.parse({
    workspaceRoots: [folder],
    ...input,
    timeouts: { updateMs: PATIENT_MS, ...input?.timeouts },
  });
  const settings = resolveSettings(parsed, {
    home: folder,
    file: null,
    catalogue,
    modelReason: '',
  });
  // Any free port.
  return { ...settings, api: { ...settings.api, port: 0 } };
}

async function insertKey(
  journal: Journal,
  owner: { tenant: string; user: string; role: Role },
): Promise<string> {
  const secret = newSecret();
  await journal.keys.insert({ keyId: newId('key'), label: 'test', ...owner }, hashSecret(secret));
  return secret;
}

const sendTo =
  (url: string): Send =>
  async (method, path, { body, key, headers } = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json') && text !== '';
    return {
      status: response.status,
      headers: response.headers,
      body: (json ? JSON.parse(text) : { text }) as Json,
    };
  };

/** Polls until the answer is what is waited for; the test's own time-out ends it. */
export async function eventually<T>(
  ask: () => Promise<T>,
  good: (value: T) => boolean,
): Promise<T> {
  for (;;) {
    const value = await ask();
    if (good(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export const uniqueName = (prefix: string): string => `${prefix}-${randomBytes(6).toString('hex')}`;
