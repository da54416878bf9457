import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MALLOC_SETTINGS } from '../../cli/up/malloc.ts';
import { freePort } from '../../servers/child.ts';
import { call } from '../load/http.ts';
import { forkProcess } from './fork.ts';
import type { Forked } from './fork.ts';

export interface Product extends AsyncDisposable {
  readonly url: string;
  /** A folder for workspaces, with a small file in it. */
  readonly workspace: string;
  /** The all-in-one process: API, worker and journal. */
  readonly forked: Forked;
}

export interface ProductOptions {
  readonly address: string;
  readonly modelUrl: string;
  readonly folder: string;
  readonly execArgv: readonly string[];
  /** Merged over the settings of every bench, agents with agents. */
  readonly settings?: { readonly agents: object; readonly [name: string]: unknown } | undefined;
}

/** What its tool reads. */
export const SMALL_FILE = 'small.txt';
/** Name of the agent that has a tool. */
export const TOOL_AGENT = 'tools';
/** Name of the agent whose tools are a runner's, and the runner's. */
export const REMOTE_AGENT = 'remote';
export const RUNNER = 'bench';

const START_TIMEOUT_MS = 60_000;

/** The settings of every bench: the model server, and sessions that do not end while they wait to be measured. */
const settings = (modelUrl: string, workspace: string) => ({
  workspaceRoots: [workspace],
  providers: { bench: { kind: 'openai-compatible', baseUrl: modelUrl } },
  models: { bench: { provider: 'bench', model: 'bench', contextTokens: 1_000_000 } },
  agents: {
    assistant: { instructions: '', tools: [] },
    [TOOL_AGENT]: { instructions: '', tools: ['read_file'] },
    [REMOTE_AGENT]: { instructions: '', tools: [], runner: { name: RUNNER } },
  },
  defaultModel: 'bench',
  timeouts: { sessionIdleMs: 7_200_000, sessionLifetimeMs: 7_200_000 },
  log: { level: 'warn' },
});

/** Perdure as `npm start` runs it, in a data folder of its own, on the Temporal server that the floor uses too. */
export async function startProduct(options: ProductOptions): Promise<Product> {
  const home = join(options.folder, 'home');
  const port = await freePort();
  await mkdir(home, { recursive: true });
  const file = join(home, 'perdure.yaml');
  const workspace = join(options.folder, 'workspace');
  await mkdir(workspace);
  await writeFile(join(workspace, SMALL_FILE), 'A small file.\n');
  // JSON is YAML.
  const common = settings(options.modelUrl, workspace);
  const { agents, ...more } = options.settings ?? { agents: {} };
  const all = { ...common, ...more, agents: { ...common.agents, ...agents } };
  await writeFile(file, JSON.stringify(all));
  const forked = forkProcess('../../cli/main.ts', {
    args: ['all-in-one'],
    env: {
      ...MALLOC_SETTINGS,
      PERDURE_HOME: home,
      PERDURE_CONFIG: file,
      PERDURE_API_PORT: `${port}`,
      TEMPORAL_ADDRESS: options.address,
    },
    logFile: join(options.folder, 'perdure.log'),
    execArgv: options.execArgv,
  });
  const url = `http://127.0.0.1:${port}`;
  await untilReady(url, forked);
  return { url, workspace, forked, [Symbol.asyncDispose]: () => forked[Symbol.asyncDispose]() };
}

async function untilReady(url: string, forked: Forked): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (forked.process.exitCode !== null) throw new Error('perdure ended at once: see perdure.log');
    const answer = await call('GET', `${url}/readyz`).catch(() => undefined);
    if (answer?.status === 200) return;
    await sleep(100);
  }
  throw new Error('perdure was not ready in time: see perdure.log');
}
