import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './temporary-folder.ts';

export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Leaves no byte free. */
  fill(): void;
  /** Makes room again. */
  free(): void;
}

/** Mounting needs root, which CI is: there the tests of full disks must run. */
export const canMount = process.env['CI'] !== undefined || process.getuid?.() === 0;

const PAGE = Buffer.alloc(4_096);

/** A disk of its own, in memory. */
export async function smallDisk(options: 'size=8m' | 'ro'): Promise<SmallDisk> {
  const folder = await temporaryFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'none', folder.path]);
  const filler = join(folder.path, 'filler');
  return {
    path: folder.path,
    fill() {
      const file = openSync(filler, 'a');
      try {
        for (;;) writeSync(file, PAGE);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler),
    async [Symbol.asyncDispose]() {
      execFileSync('umount', ['--lazy', folder.path]);
      await folder[Symbol.asyncDispose]();
    },
  };
}
