/**
 * The folder in which a runner remembers who it is and what it was doing, so that kill -9 loses no result and no call runs twice. One process
 * at a time: an exclusive SQLite transaction is the lock, because the operating system drops it with its process.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isId, newId } from '../contracts/ids.ts';
import type { RunnerId } from '../contracts/ids.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import { CallFiles } from './call-files.ts';
import { writeDurably } from './durable-file.ts';

export interface StateFolder extends Disposable {
  readonly folder: string;
  /** Made at the first start; with it claims of an earlier process can be renewed. */
  readonly instance: RunnerId;
  readonly calls: CallFiles;
}

/** https://sqlite.org/rescode.html: another connection has the lock. */
const SQLITE_BUSY = 5;

/** @throws {PerdureError} `invalid_input` where another runner uses it, or it cannot be used */
export function openStateFolder(folder: string): StateFolder {
  let lock: DatabaseSync | undefined;
  try {
    // Results and arguments are the user's own.
    mkdirSync(path.join(folder, 'calls'), { recursive: true, mode: 0o700 });
    lock = new DatabaseSync(path.join(folder, 'lock'), { timeout: 0 });
    lock.exec('BEGIN EXCLUSIVE');
    const held = lock;
    return {
      folder,
      instance: instanceOf(path.join(folder, 'instance')),
      calls: new CallFiles(path.join(folder, 'calls')),
      [Symbol.dispose]: () => held.close(),
    };
  } catch (error) {
    lock?.close();
    const taken = (error as { errcode?: number }).errcode === SQLITE_BUSY;
    const why = taken
      ? 'another runner uses it: stop that one, or choose another --name or --state'
      : (error as Error).message;
    throw new PerdureError('invalid_input', `The state folder ${folder} cannot be used: ${why}.`);
  }
}

function instanceOf(file: string): RunnerId {
  const known = readOrNothing(file);
  if (isId('run', known)) return known;
  const made = newId('run');
  writeDurably(file, made);
  return made;
}

function readOrNothing(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
