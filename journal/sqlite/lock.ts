/**
 * A journal file belongs to one process. The lock is SQLite's own, on a file beside it: the operating system lets go of it when its
 * owner dies, however it dies, so that there is no stale lock to detect and no reused process id to be fooled by. The other file only
 * says who the owner is.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileProblem } from '../../contracts/file-problems.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';

/** https://sqlite.org/rescode.html: another connection has the lock. */
const SQLITE_BUSY = 5;

/** @throws journal_unavailable where another process (or this one) has the file open, or its folder cannot be written */
export function lockFile(file: string): Disposable {
  const owner = `${file}.owner`;
  let lock: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    requireWritable(`${file}.probe`);
    lock = new DatabaseSync(`${file}.lock`, { timeout: 0 });
    lock.exec('begin exclusive');
    writeFileSync(owner, `process ${process.pid}, since ${new Date().toISOString()}`);
  } catch (error) {
    lock?.close();
    const { errcode } = error as { errcode?: number };
    const reason =
      errcode === SQLITE_BUSY
        ? `is in use by ${ownerOf(owner)}. SQLite belongs to one process: stop it, or use PostgreSQL (journal.url).`
        : `cannot be used: ${fileProblem(error)}.`;
    throw new PerdureError('journal_unavailable', `The journal ${file} ${reason}`, {
      cause: error,
    });
  }
  const held = lock;
  return {
    [Symbol.dispose]() {
      rmSync(owner, { force: true });
      held.close();
    },
  };
}

/** SQLite tells a full disk, a read-only one and a missing folder as "unable to open" or not at all; the system says which. */
function requireWritable(probe: string): void {
  try {
    writeFileSync(probe, 'x');
  } finally {
    rmSync(probe, { force: true });
  }
}

function ownerOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return 'another process';
  }
}
