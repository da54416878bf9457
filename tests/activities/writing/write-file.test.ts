import { execFileSync, spawn } from 'node:child_process';
import {
  chmod,
  link,
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { dataFolder } from '../../../activities/tools/workspace/data-folder.ts';
import { replaceFile } from '../../../activities/tools/workspace/replace-file.ts';
import { targetOf } from '../../../activities/tools/workspace/target.ts';
import { newId } from '../../../contracts/ids.ts';
import { openWriter } from './writer.ts';
import type { Writer } from './writer.ts';

const denied = { code: 'tool_denied' };

const contentOf = ({ folder }: Writer, name: string): Promise<string> =>
  readFile(path.join(folder.workspace, name), 'utf8');

/** The outside is as it was: one secret. */
async function expectUntouched({ folder }: Writer): Promise<void> {
  expect(await readdir(folder.outside)).toEqual(['secret.txt']);
  expect(await readFile(path.join(folder.outside, 'secret.txt'), 'utf8')).toBe('TOP SECRET');
}

describe('write_file', () => {
  it('makes a file, with the folders it lies in', async () => {
    await using writer = await openWriter();
    expect(await writer.write('a/b/c.txt', 'new')).toBe('"a/b/c.txt" was created, 3 bytes.');
    expect(await contentOf(writer, 'a/b/c.txt')).toBe('new');
    expect(await readdir(path.join(writer.folder.workspace, 'a/b'))).toEqual(['c.txt']);
  });

  it('replaces a file, keeps its mode and says what changed', async () => {
    await using writer = await openWriter({ 'run.sh': 'one\ntwo\n' });
    const file = path.join(writer.folder.workspace, 'run.sh');
    await chmod(file, 0o751);
    expect(await writer.write('run.sh', 'one\n2\n')).toBe(
      '--- a/run.sh\n+++ b/run.sh\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n',
    );
    expect((await stat(file)).mode & 0o777).toBe(0o751);
  });

  it('is harmless to repeat', async () => {
    await using writer = await openWriter();
    await writer.write('a.txt', 'same');
    const before = await stat(path.join(writer.folder.workspace, 'a.txt'), { bigint: true });
    expect(await writer.write('a.txt', 'same')).toBe('"a.txt" has this content already.');
    const after = await stat(path.join(writer.folder.workspace, 'a.txt'), { bigint: true });
    expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs]);
  });

  it('takes over what an attempt left that died in the middle', async () => {
    await using writer = await openWriter();
    const callId = newId('call');
    await writeFile(path.join(writer.folder.workspace, `.a.txt.${callId}.tmp`), 'ha');
    await writer.write('a.txt', 'whole', { callId });
    expect(await readdir(writer.folder.workspace)).toEqual(['a.txt']);
  });

  it('shows a person what it would do, and does nothing', async () => {
    await using writer = await openWriter({ 'a.txt': 'one\n', 'b.bin': Buffer.from([0, 1]) });
    expect(await writer.previewWrite('a.txt', 'two\n')).toContain('-one\n+two');
    expect(await writer.previewWrite('new/n.txt', 'x\n')).toContain(
      '--- /dev/null\n+++ b/new/n.txt',
    );
    expect(await writer.previewWrite('b.bin', 'x')).toContain('replaces a file that is no text');
    expect(await writer.previewWrite('a.txt', 'one\n')).toBe('changes nothing');
    expect(await readdir(writer.folder.workspace)).toEqual(['a.txt', 'b.bin']);
  });

  it('says little of files that have little in common, and not all of a long diff', async () => {
    const lines = (mark: string, count: number) =>
      Array.from({ length: count }, (_, n) => `${mark}${n}`).join('\n');
    await using writer = await openWriter({ 'a.txt': lines('a', 9_000), 'b.txt': lines('b', 200) });
    expect(await writer.write('a.txt', lines('x', 9_000))).toContain('have little in common');
    const diff = await writer.write('b.txt', lines(`${'long '.repeat(40)}line `, 200));
    expect(diff).toContain('more characters of the diff');
    expect(diff.length).toBeLessThan(25_000);
  });

  it.each([
    ...[
      '../outside/x.txt',
      '/etc/x',
      '../work-sibling/x',
      'a/../../x',
      'a\0b',
      '/proc/self/root/tmp/x',
    ],
    ...[
      '.',
      '',
      'sub/',
      '.git/hooks/pre-commit',
      'sub/.GIT/config',
      '.perdure/journal.db',
      '.perdure/x/y',
    ],
    ...['sub', 'a.txt/b.txt', `${'x'.repeat(300)}.txt`],
  ])('refuses %j', async (name) => {
    await using writer = await openWriter({ 'a.txt': 'a', 'sub/b.txt': 'b' });
    await mkdir(writer.folder.home);
    await expect(writer.write(name, 'evil')).rejects.toMatchObject(denied);
    await expect(
      writer.previewWrite(name, 'evil').then(() => writer.write(name, '')),
    ).rejects.toMatchObject(denied);
    await expectUntouched(writer);
    expect(await readdir(writer.folder.home)).toEqual([]);
    expect(await readdir(writer.folder.workspace)).toEqual(['.perdure', 'a.txt', 'sub']);
  });

  it('follows a symlink inside the workspace and keeps it, and none that leads out or nowhere', async () => {
    await using writer = await openWriter({ 'real/a.txt': 'a' });
    const place = (name: string) => path.join(writer.folder.workspace, name);
    await symlink('real', place('folder'));
    await symlink('real/a.txt', place('file'));
    await symlink('../outside', place('out'));
    await symlink('../outside/secret.txt', place('secret'));
    await symlink('../outside/new.txt', place('nothing'));
    await symlink('loop', place('loop'));
    await writer.write('folder/b.txt', 'b');
    await writer.write('file', 'changed');
    expect(await contentOf(writer, 'real/b.txt')).toBe('b');
    expect(await contentOf(writer, 'real/a.txt')).toBe('changed');
    expect(await readdir(writer.folder.workspace)).toContain('file');
    for (const name of [
      'out/x.txt',
      'out/deep/x.txt',
      'secret',
      'nothing',
      'nothing/x',
      'loop',
      'loop/x',
    ])
      await expect(writer.write(name, 'evil')).rejects.toMatchObject(denied);
    await expectUntouched(writer);
  });

  it('writes no FIFO, device or hard link of the data folder', async () => {
    await using writer = await openWriter({ '.perdure/journal.db': 'journal' });
    const place = (name: string) => path.join(writer.folder.workspace, name);
    execFileSync('mkfifo', [place('pipe')]);
    await link(place('.perdure/journal.db'), place('second-name'));
    for (const name of ['pipe', 'second-name'])
      await expect(writer.write(name, 'x')).rejects.toMatchObject(denied);
    expect(await contentOf(writer, '.perdure/journal.db')).toBe('journal');
  });

  it("changes somebody else's file by its name only: other hard links keep what they have", async () => {
    await using writer = await openWriter();
    const secret = path.join(writer.folder.outside, 'secret.txt');
    await link(secret, path.join(writer.folder.workspace, 'linked.txt'));
    await writer.write('linked.txt', 'mine');
    await expectUntouched(writer);
  });

  it('writes nothing once the workspace is reached through a symlink', async () => {
    await using writer = await openWriter({ 'a.txt': 'a' });
    const { workspace, outside } = writer.folder;
    await rename(workspace, `${workspace}-moved`);
    await symlink(outside, workspace);
    await expect(writer.write('secret.txt', 'evil')).rejects.toMatchObject(denied);
    await expectUntouched(writer);
  });

  it('does not rename its file into place once it is stopped', async () => {
    await using writer = await openWriter();
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(writer.write('a.txt', 'x', { signal })).rejects.toThrow('stopped');
    expect(await readdir(writer.folder.workspace)).toEqual([]);
  });
});

describe('a file that is replaced', () => {
  const replacement = (from: undefined) => ({
    text: 'evil',
    from,
    callId: newId('call'),
    signal: new AbortController().signal,
  });

  const target = async ({ folder }: Writer, name: string) =>
    targetOf({ workspace: folder.workspace, dataFolder: await dataFolder(folder.home) }, name);

  it('is refused where a folder of its path became a symlink after the check', async () => {
    await using writer = await openWriter({ 'sub/deep/a.txt': 'a' });
    const { workspace } = writer.folder;
    const found = await target(writer, 'sub/deep/new.txt');
    await rename(path.join(workspace, 'sub'), path.join(workspace, 'old'));
    await symlink('../outside', path.join(workspace, 'sub'));
    await expect(replaceFile(found, replacement(undefined))).rejects.toMatchObject(denied);
    await expectUntouched(writer);
  });

  it('replaces a symlink that was put in its place, not what the symlink leads to', async () => {
    await using writer = await openWriter();
    const found = await target(writer, 'new.txt');
    await symlink('../outside/secret.txt', path.join(writer.folder.workspace, 'new.txt'));
    await expect(replaceFile(found, replacement(undefined))).rejects.toMatchObject(denied);
    await expectUntouched(writer);
  });

  it('is left as it is where somebody else wrote it meanwhile', async () => {
    await using writer = await openWriter();
    const found = await target(writer, 'a.txt');
    await writeFile(path.join(writer.folder.workspace, 'a.txt'), 'theirs');
    await expect(replaceFile(found, replacement(undefined))).rejects.toMatchObject({
      code: 'tool_failed',
    });
    expect(await readdir(writer.folder.workspace)).toEqual(['a.txt']);
    expect(await contentOf(writer, 'a.txt')).toBe('theirs');
  });

  it('never lands outside while its folder is swapped for a symlink and back all the time', async () => {
    await using writer = await openWriter({ 'sub/a.txt': 'a' });
    const { workspace } = writer.folder;
    const script = `cd ${workspace}; while :; do mv sub old && ln -s ../outside sub; rm sub; mv old sub; done 2>/dev/null`;
    const swapping = spawn('sh', ['-c', script]);
    try {
      let written = 0;
      for (let n = 0; n < 300; n += 1)
        written += await writer.write(`sub/f${n}.txt`, 'x').then(
          () => 1,
          () => 0,
        );
      expect(written).toBeGreaterThan(0);
    } finally {
      swapping.kill('SIGKILL');
    }
    await expectUntouched(writer);
  });
});
