import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileProblem } from '../../contracts/file-problems.ts';
import { CommandFailed, EXIT } from '../exit-codes.ts';

/** https://sqlite.org/rescode.html: another connection has the lock. */
const SQLITE_BUSY = 5;

/**
 * One supervisor a data folder. An exclusive SQLite transaction is the lock, because the operating system drops it with its process.
 * @throws {CommandFailed} when another one runs, or the folder cannot be used
 */
export function lockHome(home: string): Disposable {
  let lock: DatabaseSync | undefined;
  try {
    makeFolder(home);
    requireWritable(home);
    lock = new DatabaseSync(join(home, 'up.lock'), { timeout: 0 });
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock?.close();
    throw refusal(home, error);
  }
  const held = lock;
  return { [Symbol.dispose]: () => held.close() };
}

function makeFolder(folder: string): void {
  try {
    // Transcripts lie in it. A folder that a person has made keeps its mode.
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    // Node says ENOENT of a read-only disk; the first folder that is missing says why.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') mkdirSync(firstMissing(folder));
    throw error;
  }
}

const firstMissing = (folder: string): string =>
  existsSync(dirname(folder)) ? folder : firstMissing(dirname(folder));

/** SQLite tells a full disk, a read-only one and a missing folder as "unable to open" or not at all; the system says which. */
function requireWritable(home: string): void {
  const probe = join(home, 'up.probe');
  try {
    writeFileSync(probe, 'x');
  } finally {
    rmSync(probe, { force: true });
  }
}

function refusal(home: string, error: unknown): CommandFailed {
  const isTaken = (error as { errcode?: number }).errcode === SQLITE_BUSY;
  return isTaken
    ? new CommandFailed(
        `Perdure runs already with the data folder ${home}. Use it, stop it, or start another one with PERDURE_HOME and other ports.`,
      )
    : new CommandFailed(
        `The data folder ${home} cannot be used: ${fileProblem(error)}, or choose another folder with PERDURE_HOME.`,
        EXIT.unavailable,
      );
}
