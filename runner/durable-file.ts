import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** The whole text or what was there before, also after a power cut: written beside, flushed, put in place, and the folder flushed. */
export function writeDurably(file: string, text: string): void {
  replace(file, text, fsyncSync);
  flushFolder(path.dirname(file));
}

/** The whole text or what was there before, whenever this process is killed; a power cut may leave neither. */
export const writeWhole = (file: string, text: string): void => replace(file, text, () => {});

function replace(file: string, text: string, flush: (handle: number) => void): void {
  const beside = `${file}.new`;
  const handle = openSync(beside, 'w', 0o600);
  try {
    writeFileSync(handle, text);
    flush(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(beside, file);
}

/** Nothing where it is gone already. Not flushed: what comes back after a power cut is dropped again. */
export const removeFile = (file: string): void => rmSync(file, { force: true });

function flushFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
