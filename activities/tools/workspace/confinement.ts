/**
 * Keeps the workspace tools inside the session's workspace. The answer is about the file that is opened, not about a name that may be
 * swapped meanwhile: the name is resolved (symlinks too) and compared, then the opened file's own path is compared again.
 */
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { PerdureError } from '../../../contracts/perdure-error.ts';

const denied = (shown: string, why: string): PerdureError =>
  new PerdureError('tool_denied', `"${shown}" ${why}.`);

const isInside = (root: string, absolute: string): boolean =>
  absolute === root || absolute.startsWith(root.endsWith(path.sep) ? root : root + path.sep);

const isMissing = (error: unknown): boolean => {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENAMETOOLONG';
};

/** A place in a workspace: its real path, and how it is called there. */
export interface Place {
  readonly root: string;
  readonly absolute: string;
  /** Relative to the workspace, with "/"; "." for the workspace itself. */
  readonly shown: string;
}

/** The real path of the workspace. @throws {PerdureError} `tool_denied` where it is gone */
async function rootOf(workspace: string): Promise<string> {
  try {
    return await realpath(workspace);
  } catch (error) {
    if (isMissing(error)) throw denied(workspace, 'is not a folder any more');
    throw error;
  }
}

/** @throws {PerdureError} `tool_denied` where the name leads outside or to nothing */
export async function locate(workspace: string, name: string): Promise<Place> {
  if (name.includes('\0')) throw denied(name.replaceAll('\0', '\\0'), 'is not a file name');
  const root = await rootOf(workspace);
  const wanted = path.resolve(root, name);
  if (!isInside(root, wanted)) throw denied(name, 'lies outside the workspace');
  let absolute: string;
  try {
    absolute = await realpath(wanted);
  } catch (error) {
    if (isMissing(error)) throw denied(name, 'does not exist in the workspace');
    throw error;
  }
  // The same words as for a missing file: what lies outside is nobody's business.
  if (!isInside(root, absolute)) throw denied(name, 'does not exist in the workspace');
  const shown = path.relative(root, absolute).split(path.sep).join('/');
  return { root, absolute, shown: shown === '' ? '.' : shown };
}

/** Never waits (a FIFO would), never follows a symlink put there after the check. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/** Systems that say where an opened file really is, and open it again by its number. */
const byNumber = (file: FileHandle): string | undefined =>
  process.platform === 'linux' ? `/proc/self/fd/${file.fd}` : undefined;

/** A folder on the way may have become a symlink after the check. */
async function isStillInside(file: FileHandle, root: string): Promise<boolean> {
  const itself = byNumber(file);
  return itself === undefined || isInside(root, await realpath(itself));
}

/** @throws {PerdureError} `tool_denied` where it cannot be opened, or is not inside any more */
async function openPlace(place: Place, flags: number): Promise<FileHandle> {
  let file: FileHandle;
  try {
    file = await open(place.absolute, flags);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM' || code === 'ENXIO' || isMissing(error))
      throw denied(place.shown, 'cannot be read');
    throw error;
  }
  try {
    if (await isStillInside(file, place.root)) return file;
    throw denied(place.shown, 'does not exist in the workspace');
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Opens a regular file for reading.
 * @throws {PerdureError} `tool_denied` for folders, devices, FIFOs, sockets and what is not inside any more
 */
export async function openInside(place: Place): Promise<FileHandle> {
  const file = await openPlace(place, READ_FLAGS);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw denied(place.shown, 'is not a regular file');
}

/**
 * Uses a folder by a path that leads to the very folder that was checked, whatever its name leads to meanwhile.
 * @throws {PerdureError} `tool_denied` for what is no folder, or not inside any more
 */
export async function withFolder<T>(place: Place, use: (path: string) => Promise<T>): Promise<T> {
  const folder = await openPlace(place, READ_FLAGS | constants.O_DIRECTORY);
  try {
    return await use(byNumber(folder) ?? place.absolute);
  } finally {
    await folder.close();
  }
}
