import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultCacheDir } from './cache-dir.ts';

/** Says one line to the person who is waiting. */
export type Report = (line: string) => void;

export interface CacheEntry {
  /** Name with the version in it, so that an upgrade never finds the old files. */
  readonly name: string;
  readonly cacheDir?: string;
  readonly report?: Report;
  /** Writes the entry's files into an empty folder, which appears in the cache only when this resolves. */
  readonly build: (folder: string) => Promise<void>;
}

const LOCK_POLL_MS = 250;
const SQLITE_BUSY = 5;

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The entry's folder, built first when it is not there yet. Two processes at once build it once. */
export async function cached(entry: CacheEntry): Promise<string> {
  const cacheDir = entry.cacheDir ?? defaultCacheDir();
  const folder = join(cacheDir, entry.name);
  if (await exists(folder)) return folder;
  await mkdir(cacheDir, { recursive: true });
  await using _lock = await lockCache(cacheDir, entry);
  if (!(await exists(folder))) await buildInto(folder, entry);
  return folder;
}

async function buildInto(folder: string, entry: CacheEntry): Promise<void> {
  const unfinished = await mkdtemp(`${folder}.unfinished-`);
  try {
    await entry.build(unfinished);
    await rename(unfinished, folder);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}

/**
 * An exclusive SQLite transaction is the lock, because the operating system drops it with its process: a killed
 * bootstrap never leaves a lock behind that somebody has to delete.
 */
async function lockCache(cacheDir: string, entry: CacheEntry): Promise<AsyncDisposable> {
  const lock = new DatabaseSync(join(cacheDir, `${entry.name}.lock`), { timeout: 0 });
  let told = false;
  while (!tryLock(lock)) {
    if (!told) entry.report?.(`waiting for another process that is fetching ${entry.name}`);
    told = true;
    await sleep(LOCK_POLL_MS);
  }
  return { [Symbol.asyncDispose]: async () => lock.close() };
}

function tryLock(lock: DatabaseSync): boolean {
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return false;
    throw error;
  }
}
