/**
 * Keeps the workspace tools inside the session's workspace, and out of Perdure's data folder. The answer is about the file that is opened,
 * not about a name that may be swapped meanwhile: the name is resolved (symlinks too) and compared, then what it leads to is held without
 * being opened, compared again, and only then opened.
 */
import { constants } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { lstat, open, realpath } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { PerdureError } from '../../../contracts/perdure-error.ts';
import type { DataFolder } from './data-folder.ts';
import { isInside } from './inside.ts';

export const denied = (shown: string, why: string): PerdureError =>
  new PerdureError('tool_denied', `"${shown}" ${why}.`);

export const isOurs = (shown: string): PerdureError =>
  denied(shown, "belongs to Perdure's own data folder, which no tool touches");

export const isMissing = (error: unknown): boolean => {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENAMETOOLONG';
};

/** A place in a workspace: its real path, and how it is called there. */
export interface Place {
  readonly root: string;
  readonly absolute: string;
  /** Relative to the workspace, with "/"; "." for the workspace itself. */
  readonly shown: string;
  readonly dataFolder: DataFolder;
}

/** Where a session's tools may look. */
export interface Confines {
  readonly workspace: string;
  readonly dataFolder: DataFolder;
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

/** @throws {PerdureError} `tool_denied` where the name leads outside, into Perdure's data folder or to nothing */
export async function locate({ workspace, dataFolder }: Confines, name: string): Promise<Place> {
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
  if (await dataFolder.holds(absolute)) throw isOurs(name);
  const shown = path.relative(root, absolute).split(path.sep).join('/');
  return { root, absolute, shown: shown === '' ? '.' : shown, dataFolder };
}

/**
 * The workspace itself, which must be where it was when the session began (its path was a real one then): who can write to a folder above it
 * could lead it anywhere else by a symlink. For tools that write.
 * @throws {PerdureError} `tool_denied`
 */
export async function unmoved(confines: Confines): Promise<Place> {
  const place = await locate(confines, '.');
  if (place.root !== path.resolve(confines.workspace))
    throw denied(confines.workspace, 'is reached through a symlink now: nothing is written there');
  return place;
}

export const IS_LINUX = process.platform === 'linux';

/** Linux (open(2)): holds a file without opening it. Closing it again drops no locks, and a device does not notice. */
export const O_PATH = 0o10000000;

/** Never waits (a FIFO would). What is opened by its number was held before; elsewhere a symlink may have been put there since. */
const READ_FLAGS =
  constants.O_RDONLY | constants.O_NONBLOCK | (IS_LINUX ? 0 : constants.O_NOFOLLOW);

interface Held {
  /** Leads to the very thing that was checked, whatever its name leads to meanwhile; where the system has no such path, its name. */
  readonly path: string;
  readonly stats: BigIntStats;
}

/** @throws {PerdureError} `tool_denied` where it cannot be read, is not inside any more, or is Perdure's own */
async function holding<T>(place: Place, use: (held: Held) => Promise<T>): Promise<T> {
  try {
    return await (IS_LINUX ? holdingByNumber(place, use) : holdingByName(place, use));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM' || code === 'ENXIO' || isMissing(error))
      throw denied(place.shown, 'cannot be read');
    throw error;
  }
}

async function holdingByNumber<T>(place: Place, use: (held: Held) => Promise<T>): Promise<T> {
  await using handle = await open(place.absolute, O_PATH | constants.O_NOFOLLOW);
  const itself = `/proc/self/fd/${handle.fd}`;
  // A folder on the way may have become a symlink after the check.
  if (!isInside(place.root, await realpath(itself)))
    throw denied(place.shown, 'does not exist in the workspace');
  const stats = await handle.stat({ bigint: true });
  if (place.dataFolder.is(stats)) throw isOurs(place.shown);
  return await use({ path: itself, stats });
}

async function holdingByName<T>(place: Place, use: (held: Held) => Promise<T>): Promise<T> {
  const stats = await lstat(place.absolute, { bigint: true });
  if (place.dataFolder.is(stats)) throw isOurs(place.shown);
  return use({ path: place.absolute, stats });
}

/**
 * Opens a regular file for reading.
 * @throws {PerdureError} `tool_denied` for folders, devices, FIFOs, sockets, Perdure's own files and what is not inside any more
 */
export const openInside = (place: Place): Promise<FileHandle> =>
  holding(place, ({ path: itself, stats }) => {
    if (!stats.isFile()) throw denied(place.shown, 'is not a regular file');
    return open(itself, READ_FLAGS);
  });

/**
 * Uses a folder by a path that leads to the very folder that was checked.
 * @throws {PerdureError} `tool_denied` for what is no folder, Perdure's own one, or not inside any more
 */
export const withFolder = <T>(place: Place, use: (path: string) => Promise<T>): Promise<T> =>
  holding(place, ({ path: itself, stats }) => {
    if (!stats.isDirectory()) throw denied(place.shown, 'is not a folder');
    return use(itself);
  });
