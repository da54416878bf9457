import { execFileSync } from 'node:child_process';
import { link, readdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openInside } from '../../activities/tools/workspace/confinement.ts';
import { openSqliteJournal } from '../../journal/sqlite.ts';
import { openFolder } from './workspace-folder.ts';

const denied = { code: 'tool_denied' };

/** Whether the journal's lock holds against another process; within its own, SQLite knows better. */
function secondProcess(file: string): string {
  const sqlite = new URL('../../journal/sqlite.ts', import.meta.url).href;
  const script = `import { openSqliteJournal } from ${JSON.stringify(sqlite)};
    await openSqliteJournal({ file: process.argv[1], synchronous: 'normal' }).then(
      async (journal) => { console.log('opened'); await journal.close(); },
      (error) => console.log(error.code));`;
  const args = ['--input-type=module', '-e', script, file];
  return execFileSync(process.execPath, args, { encoding: 'utf8', stdio: 'pipe' }).trim();
}

const OURS = { code: 'tool_denied', message: expect.stringContaining("Perdure's own data folder") };

describe("Perdure's data folder", () => {
  it('keeps its locks whatever tools are asked to read: a second process is refused still', async () => {
    await using folder = await openFolder({ 'a.txt': 'SQLite' });
    const file = path.join(folder.home, 'journal.db');
    await using opened = new AsyncDisposableStack();
    const journal = await openSqliteJournal({ file, synchronous: 'normal' });
    opened.defer(() => journal.close());
    const files = await readdir(folder.home);
    expect(files).toEqual(expect.arrayContaining(['journal.db', 'journal.db-shm']));
    await Promise.all(
      files.map((name) => link(path.join(folder.home, name), path.join(folder.workspace, name))),
    );
    expect(await folder.run('search_files', { query: 'sqlite' })).toBe('a.txt:1: SQLite');
    for (const name of files)
      for (const path of [name, `.perdure/${name}`])
        await expect(folder.run('read_file', { path })).rejects.toMatchObject(OURS);
    expect(secondProcess(file)).toBe('journal_unavailable');
  });

  it('is named, but not entered, whatever name leads to it', async () => {
    await using folder = await openFolder({ '.perdure/perdure.log': 'needle', 'a.txt': 'needle' });
    await symlink('.perdure', path.join(folder.workspace, 'link'));
    await symlink('.perdure/perdure.log', path.join(folder.workspace, 'file'));
    for (const name of ['.perdure', './.perdure/.', 'link', folder.home]) {
      await expect(folder.run('list_files', { path: name })).rejects.toMatchObject(OURS);
      await expect(
        folder.run('search_files', { path: name, query: 'needle' }),
      ).rejects.toMatchObject(OURS);
    }
    for (const name of ['.perdure/perdure.log', 'link/perdure.log', 'file'])
      await expect(folder.run('read_file', { path: name })).rejects.toMatchObject(OURS);
    expect(await folder.run('list_files', { recursive: true })).toBe(
      '.perdure/\na.txt\nfile (link)\nlink (link)',
    );
    expect(await folder.run('search_files', { query: 'needle' })).toBe('a.txt:1: needle');
  });

  it('is no workspace, and none lies in it', async () => {
    await using folder = await openFolder({ '.perdure/sub/a.txt': 'x' });
    for (const workspace of [folder.home, path.join(folder.home, 'sub')])
      await expect(folder.run('list_files', {}, { workspace })).rejects.toMatchObject(OURS);
  });

  it('gives nothing away to a name that leads to one of its files only after the check', async () => {
    await using folder = await openFolder({ '.perdure/journal.db': 'ours', 'a.txt': 'harmless' });
    const place = await folder.locate('a.txt');
    await rm(place.absolute);
    await link(path.join(folder.home, 'journal.db'), place.absolute);
    await expect(openInside(place)).rejects.toMatchObject(OURS);
  });

  it('may be missing, as on a worker of a fleet', async () => {
    await using folder = await openFolder({ 'a.txt': 'x' });
    expect(await folder.run('read_file', { path: 'a.txt' })).toBe('x');
    await expect(folder.run('read_file', { path: '.perdure/a' })).rejects.toMatchObject(denied);
  });
});
