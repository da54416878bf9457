/**
 * The directories of programs: `cli/<start of a worker process>/<program>` in the data folder. Each is removed with its program; what a
 * worker left that was killed is removed by the next one that starts on this machine.
 */
import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';

const OWNER = 'owner.json';
/** Of /proc/PID/stat, counted after the name in brackets. */
const START_TIME_FIELD = 19;

interface Owner {
  readonly host: string;
  readonly pid: number;
  /** Tells processes apart that had the same number one after the other; null where the system does not tell. */
  readonly started: string | null;
}

function startedAt(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[START_TIME_FIELD] ?? null;
  } catch {
    return null;
  }
}

function lives({ host, pid, started }: Owner): boolean {
  // A data folder that machines share: only the owner's can tell.
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return started === startedAt(pid);
}

/** Removes what dead workers left. @returns how many of them there were */
export async function sweepDirectories(home: string): Promise<number> {
  const root = path.join(home, 'cli');
  const dead: string[] = [];
  for (const name of await readdir(root).catch(() => [])) {
    const folder = path.join(root, name);
    const owner = await readFile(path.join(folder, OWNER), 'utf8').catch(() => undefined);
    // Without an owner it has just been made, or is not ours.
    if (owner !== undefined && !lives(JSON.parse(owner) as Owner)) dead.push(folder);
  }
  await Promise.all(dead.map(remove));
  return dead.length;
}

/** Makes the folder of this worker process. @returns its real path */
export async function ownDirectory(home: string, name: string): Promise<string> {
  const folder = path.join(home, 'cli', name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { pid } = process;
  const owner: Owner = { host: hostname(), pid, started: startedAt(pid) };
  await writeFile(path.join(folder, OWNER), JSON.stringify(owner));
  return realpath(folder);
}

/** What was killed a moment ago may still write into it. */
export const remove = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
