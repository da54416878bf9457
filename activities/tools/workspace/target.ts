/**
 * Where a file of the workspace is written: its folder is held open, and reached from the workspace folder by folder, none of them through a
 * symlink. Whatever is swapped meanwhile, the file ends up in the folder that was checked.
 */
import { constants } from 'node:fs';
import { lstat, mkdir, open, realpath } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { denied, IS_LINUX, isMissing, isOurs, O_PATH, unmoved } from './confinement.ts';
import type { Confines, Place } from './confinement.ts';
import { isInside } from './inside.ts';

/** The file that a name means, which need not exist yet; symlinks inside the workspace are resolved. */
export interface Target extends Place {
  readonly exists: boolean;
}

const OUTSIDE = 'lies outside the workspace';

/** The deepest part of a path that exists, as a real path, with what is missing below it. */
async function resolve(wanted: string, missing: readonly string[] = []): Promise<string[]> {
  try {
    return [await realpath(wanted), ...missing];
  } catch (error) {
    if (!isMissing(error) || wanted === path.dirname(wanted)) throw error;
    return resolve(path.dirname(wanted), [path.basename(wanted), ...missing]);
  }
}

const isLink = (file: string): Promise<boolean> =>
  lstat(file).then(
    (stats) => stats.isSymbolicLink(),
    () => false,
  );

/** A hook or a setting in there runs programs as soon as a person uses git. */
const isOfGit = (shown: string): boolean =>
  shown.split('/').some((part) => part.toLowerCase() === '.git');

/** @throws {PerdureError} `tool_denied` where the name leads outside, into Perdure's data folder, into git's or through a link to nothing */
export async function targetOf(confines: Confines, name: string): Promise<Target> {
  if (name.includes('\0')) throw denied(name.replaceAll('\0', '\\0'), 'is not a file name');
  const { root, dataFolder } = await unmoved(confines);
  const wanted = path.resolve(root, name);
  if (!isInside(root, wanted)) throw denied(name, OUTSIDE);
  if (wanted === root || name.endsWith('/')) throw denied(name, 'is not the name of a file');
  const [existing = root, ...missing] = await resolve(wanted);
  if (!isInside(root, existing)) throw denied(name, OUTSIDE);
  const absolute = path.join(existing, ...missing);
  const [first] = missing;
  if (first !== undefined && (await isLink(path.join(existing, first))))
    throw denied(name, 'leads through a link to nothing');
  if (await dataFolder.holds(absolute)) throw isOurs(name);
  const shown = path.relative(root, absolute).split(path.sep).join('/');
  if (isOfGit(shown)) throw denied(name, "is one of git's own files");
  return { root, absolute, shown, dataFolder, exists: missing.length === 0 };
}

/** A folder that is held open. */
export interface Folder {
  /** Of one of its files: leads there whatever the folder's own name leads to meanwhile. */
  child(name: string): string;
}

const FOLDER_FLAGS =
  constants.O_DIRECTORY | constants.O_NOFOLLOW | (IS_LINUX ? O_PATH : constants.O_RDONLY);

/** A path through the descriptor; where the system has no such paths, by name. */
const below = (handle: FileHandle, absolute: string): Folder => ({
  child: (name) => path.join(IS_LINUX ? `/proc/self/fd/${handle.fd}` : absolute, name),
});

const isOpenable = (error: unknown): boolean => {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || isMissing(error);
};

async function openFolder(folder: string, { create }: { create: boolean }): Promise<FileHandle> {
  if (create)
    await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  return open(folder, FOLDER_FLAGS);
}

async function check(handle: FileHandle, target: Target): Promise<void> {
  const stats = await handle.stat({ bigint: true });
  if (target.dataFolder.is(stats)) throw isOurs(target.shown);
}

/** The handle of the file's folder; folders that are missing are made. */
async function descend(target: Target): Promise<[FileHandle, string]> {
  let absolute = target.root;
  let handle = await openFolder(absolute, { create: false });
  try {
    const folders = path.relative(target.root, path.dirname(target.absolute)).split(path.sep);
    for (const name of folders.filter(Boolean)) {
      await check(handle, target);
      const next = await openFolder(below(handle, absolute).child(name), { create: true });
      await handle.close();
      handle = next;
      absolute = path.join(absolute, name);
    }
    await check(handle, target);
    return [handle, absolute];
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Uses the folder of a target by paths that stay in it.
 * @throws {PerdureError} `tool_denied` where it cannot be written, or is not inside any more
 */
export async function inFolderOf<T>(
  target: Target,
  use: (folder: Folder) => Promise<T>,
): Promise<T> {
  try {
    const [handle, absolute] = await descend(target);
    await using _held = handle;
    // A folder may have been moved out since its parent was opened.
    if (IS_LINUX && !isInside(target.root, await realpath(`/proc/self/fd/${handle.fd}`)))
      throw denied(target.shown, OUTSIDE);
    return await use(below(handle, absolute));
  } catch (error) {
    if (isOpenable(error)) throw denied(target.shown, 'cannot be written');
    throw error;
  }
}
