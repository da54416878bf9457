/**
 * A journal file belongs to one process. The lock is SQLite's own, on a file beside it: the operating system lets go of it when its
 * owner dies, however it dies, so that there is no stale lock to detect and no reused process id to be fooled by. The other file only
 * says who the owner is.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { PerdureError } from '../../contracts/perdure-error.ts';

/** @throws journal_unavailable where another process (or this one) has the file open */
export function lockFile(file: string): Disposable {
  const owner = `${file}.owner`;
  const lock = new DatabaseSync(`${file}.lock`, { timeout: 0 });
  try {
    lock.exec('begin exclusive');
  } catch (error) {
    lock.close();
    throw new PerdureError(
      'journal_unavailable',
      `The journal ${file} is in use by ${ownerOf(owner)}. SQLite belongs to one process: stop it, or use PostgreSQL (journal.url).`,
      { cause: error },
    );
  }
  writeFileSync(owner, `process ${process.pid}, since ${new Date().toISOString()}`);
  return {
    [Symbol.dispose]() {
      rmSync(owner, { force: true });
      lock.close();
    },
  };
}

function ownerOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return 'another process';
  }
}
