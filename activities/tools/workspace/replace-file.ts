/** Replaces a file in one step: whoever reads it sees the old text or the new one, never half of it, whatever dies meanwhile. */
import { constants } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { lstat, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { PerdureError } from '../../../contracts/perdure-error.ts';
import { denied, isMissing, isOurs } from './confinement.ts';
import { inFolderOf } from './target.ts';
import type { Folder, Target } from './target.ts';

const NEW_FILE = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;

/** Of a file that did not exist; the process's umask takes its part. */
const USUAL_MODE = 0o666;

export interface Replacement {
  readonly text: string;
  /** The file that the text was made from, undefined for none; must still be the one that is replaced. */
  readonly from: BigIntStats | undefined;
  /** Names the temporary file: an attempt after a crash takes over its own. */
  readonly callId: string;
  readonly signal: AbortSignal;
}

export const sameVersion = (a: BigIntStats | undefined, b: BigIntStats | undefined): boolean =>
  a === b ||
  (a !== undefined &&
    b !== undefined &&
    a.dev === b.dev &&
    a.ino === b.ino &&
    a.size === b.size &&
    a.mtimeNs === b.mtimeNs);

const statsOf = (file: string): Promise<BigIntStats | undefined> =>
  lstat(file, { bigint: true }).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });

function checkReplaceable(target: Target, found: BigIntStats | undefined): void {
  if (!found) return;
  if (target.dataFolder.is(found)) throw isOurs(target.shown);
  if (!found.isFile()) throw denied(target.shown, 'is not a regular file');
}

async function writeBeside(temporary: string, { text, from }: Replacement): Promise<void> {
  await rm(temporary, { force: true });
  await using file = await open(temporary, NEW_FILE, USUAL_MODE);
  await file.writeFile(text);
  if (from) {
    // Only root may give files away; for others it is theirs already, or becomes so.
    await file.chown(Number(from.uid), Number(from.gid)).catch(() => undefined);
    await file.chmod(Number(from.mode) & 0o777);
  }
  await file.sync();
}

const temporaryName = (target: Target, callId: string): string =>
  `.${path.basename(target.absolute).slice(0, 150)}.${callId}.tmp`;

/** @throws {PerdureError} `tool_failed` where somebody else wrote it meanwhile */
export const replaceFile = (target: Target, replacement: Replacement): Promise<void> =>
  inFolderOf(target, async (folder: Folder) => {
    const file = folder.child(path.basename(target.absolute));
    const temporary = folder.child(temporaryName(target, replacement.callId));
    checkReplaceable(target, await statsOf(file));
    try {
      await writeBeside(temporary, replacement);
      const found = await statsOf(file);
      checkReplaceable(target, found);
      if (!sameVersion(found, replacement.from))
        throw new PerdureError(
          'tool_failed',
          `"${target.shown}" was changed by somebody else meanwhile, and was left as it is. Read it again.`,
        );
      replacement.signal.throwIfAborted();
      await rename(temporary, file);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  });
