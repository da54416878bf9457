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

/** Where the opened file really is, on systems that say so: a folder on the way may have become a symlink after the check. */
async function isStillInside(file: FileHandle, root: string): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  return isInside(root, await realpath(`/proc/self/fd/${file.fd}`));
}

/**
 * Opens a regular file for reading.
 * @throws {PerdureError} `tool_denied` for folders, devices, FIFOs, sockets and what is not inside any more
 */
export async function openInside(place: Place): Promise<FileHandle> {
  let file: FileHandle;
  try {
    file = await open(place.absolute, READ_FLAGS);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM' || code === 'ENXIO' || isMissing(error))
      throw denied(place.shown, 'cannot be read');
    throw error;
  }
  try {
    if (!(await file.stat()).isFile()) throw denied(place.shown, 'is not a regular file');
    if (!(await isStillInside(file, place.root)))
      throw denied(place.shown, 'does not exist in the workspace');
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}
