import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSqliteJournal } from '../../journal/sqlite.ts';
import { canMount, smallDisk } from '../support/small-disk.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { createSession } from './support/facts.ts';

const open = (folder: string) =>
  openSqliteJournal({ file: join(folder, 'journal.db'), synchronous: 'normal' });

test.skipIf(!canMount)('a full disk is told by a ping, and its end too', async () => {
  await using disk = await smallDisk('size=8m');
  const journal = await open(disk.path);
  const sessionId = await createSession(journal);
  await journal.ping();
  disk.fill();
  await expect(journal.ping()).rejects.toMatchObject({
    code: 'journal_unavailable',
    message: expect.stringContaining('full'),
  });
  // What is there can still be read.
  expect(await journal.sessions.get(sessionId)).toMatchObject({ sessionId });
  disk.free();
  await journal.ping();
  await createSession(journal);
  await journal.close();
});

test.skipIf(!canMount)(
  'a disk that is full from the beginning is named as the reason',
  async () => {
    await using disk = await smallDisk('size=8m');
    await mkdir(join(disk.path, 'home'));
    disk.fill();
    const home = join(disk.path, 'home');
    await expect(open(home)).rejects.toMatchObject({
      code: 'journal_unavailable',
      message: `The journal ${join(home, 'journal.db')} cannot be used: there is no space left on its disk; make room there.`,
    });
    disk.free();
    await (await open(home)).close();
    expect(await readdir(home)).not.toContain('journal.db.probe');
  },
);

test.skipIf(!canMount)('a read-only disk is named as the reason', async () => {
  await using disk = await smallDisk('ro');
  await expect(open(disk.path)).rejects.toMatchObject({
    code: 'journal_unavailable',
    message: expect.stringContaining('cannot be used: its disk is read-only'),
  });
});

test('a folder that is a file, or below one, is named as the reason', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'file');
  await writeFile(file, 'x');
  for (const home of [file, join(file, 'below')]) {
    await expect(open(home)).rejects.toMatchObject({
      code: 'journal_unavailable',
      message: expect.stringMatching(/cannot be used: .* file/),
    });
  }
});
