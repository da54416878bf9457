/** Walks a folder of the workspace without following symlinks, in order of names, until it is told to stop. */
import { opendir } from 'node:fs/promises';
import path from 'node:path';
import { withFolder } from './confinement.ts';
import type { Place } from './confinement.ts';

export interface Found {
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  readonly place: Place;
}

export interface WalkOptions {
  readonly recursive: boolean;
  /** Folders that are named, but not entered. */
  readonly skip: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

/** Nobody means to read them, and they are as large as everything else together. */
export const SKIPPED_FOLDERS: ReadonlySet<string> = new Set(['.git', 'node_modules']);

/** More entries in one folder are not sorted but left out: memory stays bounded. */
const MAX_ENTRIES = 20_000;

const kindOf = (entry: {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}): Found['kind'] =>
  entry.isFile()
    ? 'file'
    : entry.isDirectory()
      ? 'folder'
      : entry.isSymbolicLink()
        ? 'link'
        : 'other';

const inside = (folder: Place, name: string): Place => ({
  ...folder,
  absolute: path.join(folder.absolute, name),
  shown: folder.shown === '.' ? name : `${folder.shown}/${name}`,
});

const entriesOf = (folder: Place, signal: AbortSignal): Promise<Found[]> =>
  withFolder(folder, async (itself) => {
    const found: Found[] = [];
    for await (const entry of await opendir(itself)) {
      signal.throwIfAborted();
      found.push({ kind: kindOf(entry), place: inside(folder, entry.name) });
      if (found.length >= MAX_ENTRIES) break;
    }
    return found.sort((a, b) => (a.place.shown < b.place.shown ? -1 : 1));
  });

export async function* walk(folder: Place, options: WalkOptions): AsyncGenerator<Found> {
  const folders = [folder];
  for (let next = folders.shift(); next; next = folders.shift()) {
    let entries: Found[];
    try {
      entries = await entriesOf(next, options.signal);
    } catch (error) {
      // A folder that may not be read, or vanished meanwhile, hides what is in it; the one that was asked for says so.
      if (next === folder || options.signal.aborted) throw error;
      continue;
    }
    const deeper: Place[] = [];
    for (const found of entries) {
      yield found;
      if (options.recursive && found.kind === 'folder' && !isSkipped(found.place, options))
        deeper.push(found.place);
    }
    folders.unshift(...deeper);
  }
}

const isSkipped = (place: Place, options: WalkOptions): boolean =>
  options.skip.has(path.basename(place.absolute));
