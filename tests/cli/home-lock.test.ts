import { chmod, mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CommandFailed } from '../../cli/exit-codes.ts';
import { lockHome } from '../../cli/up/home-lock.ts';
import { canMount, smallDisk } from '../support/small-disk.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

function refusalOf(home: string): string {
  try {
    lockHome(home)[Symbol.dispose]();
  } catch (error) {
    if (error instanceof CommandFailed) return error.message;
    throw error;
  }
  return 'not refused';
}

describe('the data folder', () => {
  it('belongs to one supervisor, until that lets it go', async () => {
    await using folder = await temporaryFolder();
    const home = join(folder.path, 'deep', 'home');
    {
      using _ = lockHome(home);
      expect(refusalOf(home)).toMatch(/^Perdure runs already with the data folder /);
    }
    expect(refusalOf(home)).toBe('not refused');
  });

  it('that is made for it is closed to other users of the machine; one that a person has made stays as it is', async () => {
    await using folder = await temporaryFolder();
    const [home, own] = [join(folder.path, 'home'), join(folder.path, 'own')];
    await mkdir(own);
    await chmod(own, 0o750);
    for (const each of [home, own]) lockHome(each)[Symbol.dispose]();
    expect((await stat(home)).mode & 0o777).toBe(0o700);
    expect((await stat(own)).mode & 0o777).toBe(0o750);
  });

  it('is refused with the reason where it is a file, or below one', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'file');
    await writeFile(file, 'x');
    expect(refusalOf(file)).toBe(
      `The data folder ${file} cannot be used: a file has its name, and a folder is needed; move that file away, or choose another folder with PERDURE_HOME.`,
    );
    const below = join(file, 'home');
    expect(refusalOf(below)).toContain(
      `${below} cannot be used: a part of its path is a file, not a folder`,
    );
  });

  it.skipIf(!canMount)('is refused with the reason where its disk is read-only', async () => {
    await using disk = await smallDisk('ro');
    for (const home of [disk.path, join(disk.path, 'new')])
      expect(refusalOf(home)).toContain(`${home} cannot be used: its disk is read-only`);
  });

  it.skipIf(!canMount)('is refused with the reason where its disk is full', async () => {
    await using disk = await smallDisk('size=8m');
    const used = join(disk.path, 'used');
    await mkdir(used);
    lockHome(used)[Symbol.dispose]();
    disk.fill();
    for (const home of [used, disk.path, join(disk.path, 'new')])
      expect(refusalOf(home)).toContain(`${home} cannot be used: there is no space left`);
    disk.free();
    expect(refusalOf(used)).toBe('not refused');
  });
});
