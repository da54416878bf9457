import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CommandFailed } from '../exit-codes.ts';

/**
 * One supervisor a data folder. An exclusive SQLite transaction is the lock, because the operating system drops it with its process.
 * @throws {CommandFailed} when another one runs
 */
export function lockHome(home: string): Disposable {
  mkdirSync(home, { recursive: true });
  const lock = new DatabaseSync(join(home, 'up.lock'), { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch {
    lock.close();
    throw new CommandFailed(
      `Perdure runs already with the data folder ${home}. Use it, stop it, or start another one with PERDURE_HOME and other ports.`,
    );
  }
  return { [Symbol.dispose]: () => lock.close() };
}
