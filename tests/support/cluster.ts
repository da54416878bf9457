/**
 * The whole product as real processes on private ports: Temporal with its own file, a model provider over HTTP, and either the
 * all-in-one process on SQLite or APIs and workers on PostgreSQL.
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../servers/child.ts';
import { startDevServer } from '../../servers/dev-server.ts';
import type { DevServer } from '../../servers/dev-server.ts';
import { startModelServer } from './model-server.ts';
import type { ModelServer } from './model-server.ts';
import { MAIN, ProductProcess, UNMEASURED } from './processes.ts';
import { SEARCH_ATTRIBUTES } from './search-attributes.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface ClusterOptions {
  /** Absent: the all-in-one process on SQLite. */
  readonly postgresUrl?: string;
  readonly apis?: number;
  readonly workers?: number;
  /** Merged over the settings that every cluster has. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Further variables of every process, such as providers' keys. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The Temporal server of a cluster: it can be stopped, started, frozen and set back in time. */
export class ClusterTemporal implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  #server: DevServer | undefined;

  constructor(port: number, folder: string) {
    this.port = port;
    this.#folder = folder;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get #dbFile(): string {
    return join(this.#folder, 'temporal.db');
  }

  async start(): Promise<void> {
    this.#server = await startDevServer({
      port: this.port,
      dbFile: this.#dbFile,
      searchAttributes: SEARCH_ATTRIBUTES,
      logFile: join(this.#folder, 'temporal.log'),
    });
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }

  signal(name: NodeJS.Signals): void {
    if (this.#server) process.kill(this.#server.pid, name);
  }

  /** Copies the file of a stopped server, or brings the copy back. */
  async copy(direction: 'save' | 'restore'): Promise<void> {
    for (const suffix of ['', '-wal', '-shm']) {
      const live = `${this.#dbFile}${suffix}`;
      const saved = `${this.#dbFile}.saved${suffix}`;
      const [from, to] = direction === 'save' ? [live, saved] : [saved, live];
      // What is left of a newer write-ahead log would be replayed over the older file.
      await rm(to, { force: true });
      if (existsSync(from)) await copyFile(from, to);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server) this.signal('SIGCONT');
    await this.stop();
  }
}

export interface Cluster extends AsyncDisposable {
  readonly folder: string;
  readonly model: ModelServer;
  readonly temporal: ClusterTemporal;
  /** One all-in-one process stands in both lists. */
  readonly apis: readonly ProductProcess[];
  readonly workers: readonly ProductProcess[];
  readonly urls: readonly string[];
  /** One more worker, with the settings of the others. */
  addWorker(): Promise<ProductProcess>;
}

/** A dead worker counts as dead after 3 s instead of 12, so that a test that kills one takes seconds. */
export const DEAD_SOON = { heartbeatMs: 3_000, heartbeatThrottleMs: 500 };

const settings = (modelUrl: string): Record<string, unknown> => ({
  providers: { fake: { kind: 'openai-compatible', baseUrl: `${modelUrl}/v1` } },
  models: { fake: { provider: 'fake', model: 'fake-1' } },
  agents: {
    assistant: { instructions: 'You are under test.', tools: ['list_files', 'read_file'] },
  },
  defaultModel: 'fake',
  log: { level: 'info' },
});

export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  await using started = new AsyncDisposableStack();
  const folder = started.use(await temporaryFolder()).path;
  const model = started.use(await startModelServer({ tokenDelayMs: 40 }));
  const temporal = started.use(new ClusterTemporal(await freePort(), folder));
  await temporal.start();
  const home = join(folder, 'home');
  await mkdir(home, { recursive: true });
  const config = join(folder, 'perdure.yaml');
  // JSON is YAML.
  await writeFile(config, JSON.stringify({ ...settings(model.url), ...options.settings }));
  const env = {
    ...options.env,
    PERDURE_HOME: home,
    PERDURE_CONFIG: config,
    TEMPORAL_ADDRESS: temporal.address,
    ...(options.postgresUrl === undefined ? {} : { PERDURE_DATABASE_URL: options.postgresUrl }),
  };
  if (options.postgresUrl !== undefined) await migrate(env);
  const { apis, workers, urls } = await describe(options, { env, folder });
  for (const process of new Set([...workers, ...apis])) started.use(process);
  await Promise.all([...new Set([...workers, ...apis])].map((process) => process.start()));
  const kept = started.move();
  return {
    folder,
    model,
    temporal,
    apis,
    workers,
    urls,
    addWorker: async () => {
      const added = await worker({ env, folder });
      await added.start();
      return added;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** As an operator does it before the first start. */
async function migrate(env: Readonly<Record<string, string>>): Promise<void> {
  await promisify(execFile)(process.execPath, [MAIN, 'migrate'], {
    env: { ...UNMEASURED, ...env },
  });
}

interface Common {
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
}

async function describe(options: ClusterOptions, common: Common) {
  if (options.postgresUrl === undefined) {
    const one = await api('all-in-one', common);
    return { apis: [one.process], workers: [one.process], urls: [one.url] };
  }
  const apis = await times(options.apis ?? 1, () => api('api', common));
  const workers = await times(options.workers ?? 1, () => worker(common));
  return { apis: apis.map(({ process }) => process), workers, urls: apis.map(({ url }) => url) };
}

const times = <T>(count: number, make: () => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, make));

async function api(command: 'api' | 'all-in-one', { env, folder }: Common) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const process = new ProductProcess({
    name: `${command}-${port}`,
    args: [command],
    env: { ...env, PERDURE_API_PORT: `${port}` },
    folder,
    readyUrl: `${url}/readyz`,
  });
  return { process, url };
}

async function worker({ env, folder }: Common): Promise<ProductProcess> {
  const port = await freePort();
  return new ProductProcess({
    name: `worker-${port}`,
    args: ['worker'],
    env: { ...env, PERDURE_WORKER_HEALTH_PORT: `${port}` },
    folder,
    readyUrl: `http://127.0.0.1:${port}/readyz`,
  });
}
