import { execFileSync } from 'node:child_process';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { locate, openInside } from '../../activities/tools/workspace/confinement.ts';
import { dataFolder } from '../../activities/tools/workspace/data-folder.ts';
import { walk } from '../../activities/tools/workspace/walk.ts';
import { openFolder } from './workspace-folder.ts';

const denied = { code: 'tool_denied' };
const never = new AbortController().signal;

describe('the workspace', () => {
  it.each([
    '../outside/secret.txt',
    'a/../../outside/secret.txt',
    '/etc/passwd',
    '/proc/self/environ',
    '../work-sibling/secret.txt',
    'nothing.txt',
    'a\0b',
    '//etc/passwd',
    '/proc/self/root/etc/passwd',
    '/proc/self/cwd/package.json',
    '/dev/zero',
    'x'.repeat(5_000),
  ])('refuses to read %j', async (name) => {
    await using folder = await openFolder({ 'a/b.txt': 'b' });
    await mkdir(`${folder.workspace}-sibling`);
    await writeFile(`${folder.workspace}-sibling/secret.txt`, 'TOP SECRET');
    await expect(folder.run('read_file', { path: name })).rejects.toMatchObject(denied);
    await rm(`${folder.workspace}-sibling`, { recursive: true });
  });

  it('takes an absolute path that lies inside', async () => {
    await using folder = await openFolder({ 'a.txt': 'inside' });
    expect(await folder.run('read_file', { path: path.join(folder.workspace, 'a.txt') })).toBe(
      'inside',
    );
  });

  it('follows a symlink inside itself, and none that leads out', async () => {
    await using folder = await openFolder({ 'a.txt': 'inside' });
    await symlink('a.txt', path.join(folder.workspace, 'good'));
    await symlink('../outside/secret.txt', path.join(folder.workspace, 'file'));
    await symlink('../outside', path.join(folder.workspace, 'folder'));
    await symlink('file', path.join(folder.workspace, 'chain'));
    await symlink('loop', path.join(folder.workspace, 'loop'));
    expect(await folder.run('read_file', { path: 'good' })).toBe('inside');
    for (const name of ['file', 'folder/secret.txt', 'chain', 'loop'])
      await expect(folder.run('read_file', { path: name })).rejects.toMatchObject(denied);
    await expect(folder.run('list_files', { path: 'folder' })).rejects.toMatchObject(denied);
    expect(await folder.run('search_files', { query: 'TOP SECRET' })).toContain('Nothing contains');
    expect(await folder.run('list_files', { recursive: true })).not.toContain('secret.txt');
  });

  it('does not tell a hidden file outside from a missing one', async () => {
    await using folder = await openFolder();
    await symlink('../outside/secret.txt', path.join(folder.workspace, 'there'));
    await symlink('../outside/missing.txt', path.join(folder.workspace, 'gone'));
    const words = async (name: string): Promise<string> =>
      folder
        .run('read_file', { path: name })
        .catch((error: Error) => error.message.replace(name, 'X'));
    expect(await words('there')).toBe(await words('gone'));
  });

  it('refuses a file whose folder became a symlink after the check', async () => {
    await using folder = await openFolder({ 'sub/secret.txt': 'harmless' });
    const place = await folder.locate('sub/secret.txt');
    await rename(path.join(folder.workspace, 'sub'), path.join(folder.workspace, 'old'));
    await symlink('../outside', path.join(folder.workspace, 'sub'));
    await expect(openInside(place)).rejects.toMatchObject(denied);
  });

  it('refuses a file that became a symlink after the check', async () => {
    await using folder = await openFolder({ 'a.txt': 'harmless' });
    const place = await folder.locate('a.txt');
    await rm(place.absolute);
    await symlink('../outside/secret.txt', place.absolute);
    await expect(openInside(place)).rejects.toMatchObject(denied);
  });

  it('does not wait for a FIFO, and opens no socket and no folder', async () => {
    await using folder = await openFolder({ 'sub/a.txt': 'TODO here' });
    execFileSync('mkfifo', [path.join(folder.workspace, 'pipe')]);
    const server = createServer().listen(path.join(folder.workspace, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    for (const name of ['pipe', 'socket', 'sub', '.'])
      await expect(folder.run('read_file', { path: name })).rejects.toMatchObject(denied);
    expect(await folder.run('search_files', { query: 'todo' })).toBe('sub/a.txt:1: TODO here');
    server.close();
  });

  it('opens no device, whatever leads to it', async () => {
    await using folder = await openFolder({ 'a.txt': 'inside' });
    await symlink('/dev/zero', path.join(folder.workspace, 'zero'));
    await symlink('/proc/self/root/etc/passwd', path.join(folder.workspace, 'root'));
    await symlink('/proc/self/root', path.join(folder.workspace, 'all'));
    for (const name of ['zero', 'root', 'all/etc/passwd'])
      await expect(folder.run('read_file', { path: name })).rejects.toMatchObject(denied);
    // A workspace that holds devices: they are no regular files.
    const inDev = {
      ...(await locate({ workspace: '/dev', dataFolder: await dataFolder('/nowhere') }, 'zero')),
    };
    await expect(openInside(inDev)).rejects.toMatchObject(denied);
  });

  it('refuses to list or search a folder beside it whose name only begins like its own', async () => {
    await using folder = await openFolder({ 'a.txt': 'x' });
    const evil = `${folder.workspace}-evil`;
    await mkdir(evil);
    await writeFile(path.join(evil, 'secret.txt'), 'TOP SECRET');
    await symlink(evil, path.join(folder.workspace, 'link'));
    for (const name of ['../work-evil', evil, 'link']) {
      await expect(folder.run('list_files', { path: name })).rejects.toMatchObject(denied);
      await expect(
        folder.run('search_files', { path: name, query: 'secret' }),
      ).rejects.toMatchObject(denied);
    }
    await rm(evil, { recursive: true });
  });

  it('shows nothing of a folder that became a symlink between its check and its listing', async () => {
    await using folder = await openFolder({ 'sub/a.txt': 'harmless' });
    const place = await folder.locate('sub');
    await rename(place.absolute, path.join(folder.workspace, 'old'));
    await symlink('../outside', place.absolute);
    const listing = async (): Promise<string[]> => {
      const names: string[] = [];
      const options = { recursive: true, skip: new Set<string>(), signal: never };
      for await (const found of walk(place, options)) names.push(found.place.shown);
      return names;
    };
    await expect(listing()).rejects.toMatchObject(denied);
  });

  it('shows nothing of a folder deeper down that became a symlink while it was walked', async () => {
    await using folder = await openFolder({ 'one.txt': '', 'sub/a.txt': 'harmless' });
    const place = await folder.locate('.');
    const names: string[] = [];
    for await (const found of walk(place, { recursive: true, skip: new Set(), signal: never })) {
      names.push(found.place.shown);
      if (found.place.shown !== 'sub') continue;
      await rename(found.place.absolute, path.join(folder.workspace, 'old'));
      await symlink('../outside', found.place.absolute);
    }
    expect(names).toEqual(['one.txt', 'sub']);
  });

  it('walks a tree of any depth, in bounded memory and without recursion', async () => {
    await using folder = await openFolder({ 'a.txt': '' });
    const deep = Array.from({ length: 400 }, (_, n) => `d${n}`).join('/');
    await mkdir(path.join(folder.workspace, deep), { recursive: true });
    await writeFile(path.join(folder.workspace, deep, 'deep.txt'), 'Needle');
    const listed = await folder.run('list_files', { recursive: true });
    expect(listed.split('\n').at(-1)).toBe(`${deep}/deep.txt`);
    expect(await folder.run('search_files', { query: 'needle' })).toBe(
      `${deep}/deep.txt:1: Needle`,
    );
  });

  it('that is gone is said to be gone', async () => {
    await using folder = await openFolder();
    await rm(folder.workspace, { recursive: true });
    await expect(folder.run('list_files', {})).rejects.toMatchObject(denied);
  });
});

describe('list_files', () => {
  it('shows folders with a slash, in order, and enters them only when asked', async () => {
    await using folder = await openFolder({
      'b.txt': '',
      'a/c.txt': '',
      'node_modules/x/index.js': '',
    });
    expect(await folder.run('list_files', { path: '.' })).toBe('a/\nb.txt\nnode_modules/');
    expect(await folder.run('list_files', { recursive: true })).toBe(
      'a/\nb.txt\nnode_modules/\na/c.txt',
    );
    expect(await folder.run('list_files', { path: 'a' })).toBe('a/c.txt');
  });

  it('says that a folder is empty, and that a file is none', async () => {
    await using folder = await openFolder({ 'a.txt': '' });
    await mkdir(path.join(folder.workspace, 'empty'));
    expect(await folder.run('list_files', { path: 'empty' })).toBe('(empty)');
    await expect(folder.run('list_files', { path: 'a.txt' })).rejects.toMatchObject(denied);
  });

  it('stops at a limit and says so', async () => {
    await using folder = await openFolder();
    await Promise.all(
      Array.from({ length: 2_010 }, (_, n) => writeFile(path.join(folder.workspace, `f${n}`), '')),
    );
    const lines = (await folder.run('list_files', {})).split('\n');
    expect(lines).toHaveLength(2_001);
    expect(lines.at(-1)).toContain('more than 2000');
  });
});

describe('read_file', () => {
  it('reads some of the lines', async () => {
    await using folder = await openFolder({ 'a.txt': '1\n2\n3\n4\n' });
    expect(await folder.run('read_file', { path: 'a.txt', firstLine: 2, lastLine: 3 })).toBe(
      '2\n3',
    );
  });

  it('refuses a binary file', async () => {
    await using folder = await openFolder({ 'a.bin': Buffer.from([1, 0, 2]) });
    await expect(folder.run('read_file', { path: 'a.bin' })).rejects.toMatchObject(denied);
  });

  it('shows invalid UTF-8 as replacement characters, and an empty file as nothing', async () => {
    await using folder = await openFolder({
      'latin1.txt': Buffer.from('caf\u00e9', 'latin1'),
      'empty.txt': '',
    });
    expect(await folder.run('read_file', { path: 'latin1.txt' })).toBe('caf\uFFFD');
    expect(await folder.run('read_file', { path: 'empty.txt' })).toBe('');
  });

  it('reads the beginning of a huge file, without half a character at its end', async () => {
    await using folder = await openFolder({ 'big.txt': `a${'ü'.repeat(1024 * 1024)}` });
    const text = await folder.run('read_file', { path: 'big.txt' });
    expect(text).toContain('only its first 1048576 were read');
    expect(text).not.toContain('\uFFFD');
  });
});

describe('search_files', () => {
  it('finds lines in any case, names file and line, and skips .git, node_modules and binaries', async () => {
    await using folder = await openFolder({
      'a.txt': 'one\ntwo Needle\n',
      'sub/b.txt': 'NEEDLE',
      '.git/c.txt': 'needle',
      'node_modules/d.txt': 'needle',
      'e.bin': Buffer.from('needle\0'),
    });
    expect(await folder.run('search_files', { query: 'needle' })).toBe(
      'a.txt:2: two Needle\nsub/b.txt:1: NEEDLE',
    );
  });

  it('shows an excerpt of a line of a megabyte', async () => {
    await using folder = await openFolder({
      'min.js': `${'x'.repeat(900_000)}needle${'y'.repeat(900)}`,
    });
    const found = await folder.run('search_files', { query: 'needle' });
    expect(found).toContain('needle');
    expect(found.length).toBeLessThan(300);
  });

  it('stops when it is told to', async () => {
    await using folder = await openFolder({ 'a.txt': 'x' });
    await expect(
      folder.run('search_files', { query: 'x' }, { signal: AbortSignal.abort(new Error('stop')) }),
    ).rejects.toThrow('stop');
  });
});

describe('an executor', () => {
  it.each(['toString', 'constructor', '__proto__', 'write_file'])(
    'has no tool %s',
    async (name) => {
      await using folder = await openFolder();
      await expect(folder.run(name, {})).rejects.toMatchObject({ code: 'tool_failed' });
    },
  );
});
