import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Connection } from '@temporalio/client';
import type { Child } from './child.ts';
import { launch, portAnswers, waitUntilUp } from './child.ts';
import type { Report } from './cache.ts';
import { findTemporalCli } from './temporal-cli.ts';

export type SearchAttributeType =
  'Keyword' | 'KeywordList' | 'Text' | 'Int' | 'Double' | 'Bool' | 'Datetime';

export interface DevServerOptions {
  readonly port: number;
  /** The Temporal UI's port; without one there is no UI. */
  readonly uiPort?: number;
  /** Where the server keeps everything; without one it forgets everything when it stops. */
  readonly dbFile?: string;
  /** `NORMAL` may lose the last moments in a power cut, `FULL` may not and takes about a sixth more time. */
  readonly synchronous?: 'NORMAL' | 'FULL';
  readonly namespace?: string;
  readonly searchAttributes: Readonly<Record<string, SearchAttributeType>>;
  readonly logFile: string;
  /** Default true: the one who starts it decides when it ends, not Ctrl-C in the terminal. */
  readonly detached?: boolean;
  readonly dynamicConfig?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  /** The CLI's path; found through the chain when not given. */
  readonly cli?: string;
  readonly report?: Report;
}

export interface DevServer extends Child, AsyncDisposable {
  /** `host:port` for `Connection.connect`. */
  readonly address: string;
  readonly namespace: string;
}

/**
 * A stock server hands out at most 20 tasks a second and shard, and the dev server has one shard: every hop of a
 * quiet session would wait up to 50 ms (96 → 22 ms to the first token). Eager dispatch takes that to 16 ms.
 *
 * A frozen host keeps its open polls, and is handed work for as long as its connection stands: 70 s at a stock
 * server. A client that leaves a ping unanswered is cut off after 10 s here, before its heartbeat (12 s) is missed, so
 * that the retry goes to a live one. An idle client answers its pings and stays.
 *
 * It has an HTTP API, too, on a port that it chooses, without any check of who asks: a web page from elsewhere could start and signal workflows with
 * a plain form. Nobody needs it, so it answers under a name only that leads nowhere (RFC 6761, section 6.4).
 */
export const TUNED_DYNAMIC_CONFIG = {
  'history.transferProcessorMaxPollRPS': 10_000,
  'system.enableActivityEagerExecution': true,
  'frontend.keepAliveTime': '2s',
  'frontend.keepAliveTimeout': '8s',
  'frontend.httpAllowedHosts': ['nobody.invalid'],
} as const;

const START_TIMEOUT_MS = 60_000;
const PROBE_TIMEOUT_MS = 2_000;
const LOOPBACK = '127.0.0.1';

/**
 * Starts a tuned Temporal dev server and waits until its namespace answers.
 *
 * @throws when the port is taken, when the server ends at once (with the end of its log), or when no CLI is found.
 */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  if (await portAnswers(options.port))
    throw new Error(`Port ${options.port} is taken: no Temporal server can start there.`);
  const cli =
    options.cli ?? (await findTemporalCli(options.report ? { report: options.report } : {}));
  if (options.dbFile) await mkdir(dirname(options.dbFile), { recursive: true, mode: 0o700 });
  return launchWithin(STARTS, { ...options, cli });
}

/** The server numbers its inner ports itself, and another program can take one before the server listens there. */
const STARTS = 3;

async function launchWithin(
  starts: number,
  options: DevServerOptions & { readonly cli: string },
): Promise<DevServer> {
  try {
    return await launchOnce(options);
  } catch (error) {
    const lostPort = error instanceof Error && error.message.includes('address already in use');
    if (!lostPort || starts === 1 || (await portAnswers(options.port))) throw error;
    return launchWithin(starts - 1, options);
  }
}

async function launchOnce(options: DevServerOptions & { readonly cli: string }) {
  const { logFile } = options;
  const child = launch({
    file: options.cli,
    args: devServerArguments(options),
    logFile,
    detached: options.detached ?? true,
  });
  const address = `${LOOPBACK}:${options.port}`;
  const namespace = options.namespace ?? 'default';
  const isUp = () => answersFor(address, namespace);
  await waitUntilUp({
    what: 'The Temporal dev server',
    child,
    logFile,
    timeoutMs: START_TIMEOUT_MS,
    isUp,
  });
  return { ...child, address, namespace, [Symbol.asyncDispose]: () => child.stop() };
}

/** The command line of the tuned server. */
export function devServerArguments(options: DevServerOptions): string[] {
  const dynamicConfig = { ...TUNED_DYNAMIC_CONFIG, ...options.dynamicConfig };
  return [
    'server',
    'start-dev',
    ...['--ip', LOOPBACK, '--port', `${options.port}`, '--log-level', 'warn'],
    ...(options.uiPort ? ['--ui-port', `${options.uiPort}`] : ['--headless']),
    ...(options.namespace ? ['--namespace', options.namespace] : []),
    ...(options.dbFile ? persistence(options.dbFile, options.synchronous ?? 'NORMAL') : []),
    ...Object.entries(options.searchAttributes).flatMap(([name, type]) => [
      '--search-attribute',
      `${name}=${type}`,
    ]),
    ...Object.entries(dynamicConfig).flatMap(([key, value]) => [
      '--dynamic-config-value',
      `${key}=${JSON.stringify(value)}`,
    ]),
  ];
}

/** Write-ahead logging doubles the turns a second of a file. */
function persistence(dbFile: string, synchronous: string): string[] {
  const pragmas = ['journal_mode=WAL', `synchronous=${synchronous}`];
  return ['--db-filename', dbFile, ...pragmas.flatMap((pragma) => ['--sqlite-pragma', pragma])];
}

/** Whether a Temporal server at this address serves the namespace. Never throws. */
export async function answersFor(address: string, namespace: string): Promise<boolean> {
  try {
    const connection = await Connection.connect({ address, connectTimeout: PROBE_TIMEOUT_MS });
    try {
      await connection.withDeadline(Date.now() + PROBE_TIMEOUT_MS, () =>
        connection.workflowService.describeNamespace({ namespace }),
      );
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    return false;
  }
}
