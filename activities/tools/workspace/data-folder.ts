/**
 * Perdure's own data folder, whose files no tool opens, whatever name leads to them. That is more than secrecy: a process that closes any
 * descriptor of a file loses all the locks it holds on it (fcntl(2), "Record locking"), and SQLite's are of that kind. One search through the
 * embedded journal's file, and a second process could open the journal and delete what only the first one knows.
 */
import type { BigIntStats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { isInside } from './inside.ts';

export interface DataFolder {
  /** Whether a real path lies in it, by its name or through a second name of the folder (a bind mount). */
  holds(absolute: string): Promise<boolean>;
  /** Whether that is the folder itself or one of its files, found under whatever name (a hard link). */
  is(stats: BigIntStats): boolean;
}

type Identity = Pick<BigIntStats, 'dev' | 'ino'>;

const identity = ({ dev, ino }: Identity): string => `${dev}:${ino}`;

const identityOf = (absolute: string): Promise<string | undefined> =>
  stat(absolute, { bigint: true }).then(identity, () => undefined);

function* withParents(absolute: string): Generator<string> {
  for (let at = absolute; ; at = path.dirname(at)) {
    yield at;
    if (at === path.dirname(at)) return;
  }
}

/** As it is now; a worker of a fleet has none. Nothing is opened. */
export async function dataFolder(folder: string): Promise<DataFolder> {
  const real = await realpath(folder).catch(() => path.resolve(folder));
  const [itself, names] = await Promise.all([identityOf(real), readdir(real).catch(() => [])]);
  const files = await Promise.all(names.map((name) => identityOf(path.join(real, name))));
  const own = new Set([itself, ...files]);
  return {
    async holds(absolute) {
      if (isInside(real, absolute)) return true;
      if (itself === undefined) return false;
      const parents = await Promise.all([...withParents(absolute)].map(identityOf));
      return parents.includes(itself);
    },
    is: (stats) => own.has(identity(stats)),
  };
}
