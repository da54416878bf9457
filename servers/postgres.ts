import { chown, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { exists } from './cache.ts';
import type { Child } from './child.ts';
import { freePort, launch, waitUntilUp } from './child.ts';
import { run, runOrThrow } from './run.ts';

export interface Postgres extends Child, AsyncDisposable {
  /** Of the superuser, on the database `postgres`. */
  readonly url: string;
}

export interface PostgresOptions {
  readonly port?: number;
  /** An own folder; by default a temporary one, deleted at the end. One that already holds a cluster is used again. */
  readonly folder?: string;
}

const SUPERUSER = 'postgres';
/** PostgreSQL refuses to run as root; Debian's package brings this user. */
const UNPRIVILEGED_USER = 'postgres';
const START_TIMEOUT_MS = 60_000;
const MAX_CONNECTIONS = 400;
const DEBIAN_PROGRAMS = '/usr/lib/postgresql';

/**
 * A private PostgreSQL server on a private port, with fsync on as in production.
 *
 * @throws when no PostgreSQL server is installed: a test that needs one fails, it is never skipped.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const programs = await findPrograms();
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'perdure-postgres-')));
  const port = options.port ?? (await freePort());
  const data = await initialised(programs, folder);
  const logFile = join(folder, 'postgres.log');
  const [file, ...args] = unprivileged([join(programs, 'postgres'), '-D', data, ...settings(port)]);
  // SIGTERM would wait until the last client has gone; SIGINT closes their connections.
  const child = launch({ file: file ?? '', args, logFile, detached: true, stopSignal: 'SIGINT' });
  const url = `postgres://${SUPERUSER}@127.0.0.1:${port}/postgres`;
  await waitUntilUp({
    what: 'PostgreSQL',
    child,
    logFile,
    timeoutMs: START_TIMEOUT_MS,
    isUp: () => accepts(url),
  });
  const stop = async () => {
    await child.stop();
    if (!options.folder) await rm(folder, { recursive: true, force: true });
  };
  return { ...child, url, stop, [Symbol.asyncDispose]: stop };
}

/** A copy of the database's name in the server's URL: every test file works in a database of its own. */
export async function createDatabase(serverUrl: string, name: string): Promise<string> {
  await execute(serverUrl, `create database "${name}"`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** Drops a database even while somebody is connected to it. */
export async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await execute(serverUrl, `drop database if exists "${name}" with (force)`);
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

async function accepts(url: string): Promise<boolean> {
  return execute(url, 'select 1').then(
    () => true,
    () => false,
  );
}

async function findPrograms(): Promise<string> {
  const versions = (await readdir(DEBIAN_PROGRAMS).catch(() => [])).toSorted(
    (a, b) => Number(b) - Number(a),
  );
  for (const version of versions) {
    const folder = join(DEBIAN_PROGRAMS, version, 'bin');
    if (await exists(join(folder, 'initdb'))) return folder;
  }
  const { code, output } = await run('pg_config', ['--bindir']);
  const folder = output.trim();
  if (code === 0 && (await exists(join(folder, 'initdb')))) return folder;
  throw new Error(
    'No PostgreSQL server on this machine. Install one (Debian: `apt-get install postgresql`), or set ' +
      'PERDURE_TEST_POSTGRES_URL to a server where the user may create databases.',
  );
}

async function initialised(programs: string, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const data = join(folder, 'data');
  if (await exists(join(data, 'PG_VERSION'))) return data;
  if (isRoot()) await giveAway(folder);
  const initdb = [
    join(programs, 'initdb'),
    '-D',
    data,
    '-U',
    SUPERUSER,
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--no-locale',
  ];
  const [file, ...args] = unprivileged(initdb);
  await runOrThrow(file ?? '', args);
  return data;
}

function settings(port: number): string[] {
  const values = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    'unix_socket_directories=',
    `max_connections=${MAX_CONNECTIONS}`,
    'shared_buffers=128MB',
  ];
  return values.flatMap((value) => ['-c', value]);
}

async function giveAway(folder: string): Promise<void> {
  const ids = await Promise.all(
    ['-u', '-g'].map((flag) => runOrThrow('id', [flag, UNPRIVILEGED_USER])),
  );
  const [uid, gid] = ids.map(Number);
  await chown(folder, uid ?? 0, gid ?? 0);
}

/** setpriv replaces itself by the program, so that signals reach the server and not a wrapper. */
function unprivileged(command: string[]): string[] {
  if (!isRoot()) return command;
  return [
    'setpriv',
    '--reuid',
    UNPRIVILEGED_USER,
    '--regid',
    UNPRIVILEGED_USER,
    '--init-groups',
    ...command,
  ];
}

const isRoot = () => process.getuid?.() === 0;
