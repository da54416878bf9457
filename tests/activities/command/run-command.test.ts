import { readFile, rename, symlink } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { KeptOutput } from '../../../activities/tools/command/kept-output.ts';
import { namesInside, mountsIn } from '../../../activities/tools/workspace/data-folder-names.ts';
import { openCommander } from './commander.ts';

const denied = { code: 'tool_denied' };

describe('run_command', () => {
  it('answers with both outputs in order, and the exit code', async () => {
    await using commander = await openCommander();
    expect(await commander.run('echo one; echo two >&2; echo three; exit 3')).toBe(
      'one\ntwo\nthree\n[exit code 3]',
    );
    expect(await commander.run('true')).toBe('[exit code 0]');
  });

  it('changes the workspace, and starts in the folder it is told', async () => {
    await using commander = await openCommander({ files: { 'sub/a.txt': 'a' } });
    const { workspace } = commander.folder;
    expect(await commander.run('pwd; cat a.txt; echo b > b.txt', { path: 'sub' })).toBe(
      `${workspace}/sub\na\n[exit code 0]`,
    );
    expect(await readFile(path.join(workspace, 'sub/b.txt'), 'utf8')).toBe('b\n');
  });

  it('takes the command as one text: quotes, dashes and line ends mean what they mean to a shell', async () => {
    await using commander = await openCommander();
    expect(await commander.run(`printf '%s\\n' "-- '; x" '$HOME'\necho end`)).toBe(
      "-- '; x\n$HOME\nend\n[exit code 0]",
    );
    expect(await commander.run('--version')).toContain('not found');
    expect(await commander.run('-c id')).toContain('[exit code 127]');
    await expect(commander.run('echo a\0b')).rejects.toMatchObject(denied);
  });

  it('ends a command at the time it was given, with what it said until then', async () => {
    await using commander = await openCommander();
    expect(await commander.run('echo begun; sleep 1000', { timeoutSeconds: 3 })).toBe(
      'begun\n[ended after 3 s, its time limit]',
    );
  });

  it('ends a command that says nothing about its time at the usual limit', async () => {
    await using commander = await openCommander({ timeouts: { commandMs: 1_000 } });
    expect(await commander.run('sleep 1000')).toBe('[ended after 1 s, its time limit]');
  });

  it('tells its last words while it runs', async () => {
    await using commander = await openCommander();
    const told: string[] = [];
    const said = await commander.run(
      'seq 1 500; read -r line < <(sleep 5)',
      {},
      { progress: (message) => void told.push(message) },
    );
    expect(said).toContain('\n500\n');
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/^\d+\n[\s\S]*\n500$/);
    expect(told[0]!.length).toBeLessThanOrEqual(400);
  });

  it('ends a command when the turn ends', async () => {
    await using commander = await openCommander();
    const stop = new AbortController();
    const running = commander.run('sleep 1000', {}, { signal: stop.signal });
    stop.abort(new Error('interrupted'));
    await expect(running).rejects.toThrow('interrupted');
  });

  it('gives the command the declared part of the environment, and no other', async () => {
    await using commander = await openCommander({
      sandbox: { environment: ['DECLARED', 'MISSING'] },
      variables: { DECLARED: 'yes', OTHER: 'no' },
    });
    // Node itself hands the variable of a measured run on to whatever it starts.
    const seen = await commander.run(
      'env | cut -d= -f1 | grep -v NODE_V8_COVERAGE | sort | tr "\\n" " "; echo; echo $DECLARED',
    );
    expect(seen).toContain('\nyes\n');
    expect(seen.split('\n')[0]?.trim().split(' ')).toEqual([
      'DECLARED',
      'HOME',
      'LANG',
      'LOGNAME',
      'PATH',
      'PWD',
      'SHELL',
      'SHLVL',
      'TERM',
      'TMPDIR',
      'USER',
      '_',
    ]);
  });

  it('cuts the middle out of a long output', async () => {
    await using commander = await openCommander();
    const said = await commander.run('seq 1 1000000');
    expect(said).toMatch(/^1\n2\n3\n/);
    expect(said).toMatch(/\n\[… \d+ bytes of output left out …\]\n/);
    expect(said).toMatch(/\n999999\n1000000\n\[exit code 0\]$/);
    expect(said.length).toBeLessThan(140_000);
  });

  it('ends a flood', async () => {
    await using commander = await openCommander();
    expect(await commander.run('yes')).toMatch(/\[ended: it wrote more than 64 MiB\]$/);
  });

  it('says which limit ended a command', async () => {
    await using commander = await openCommander({ sandbox: { memoryMb: 64 } });
    const fork =
      'import os\nfor i in range(4):\n  if not os.fork(): x = bytearray(50 << 20); os.wait()\n';
    const program = `${fork.replace('os.wait()', 'import time; time.sleep(1000)')}\nos.wait()`;
    expect(await commander.run(`python3 -c '${program}'`)).toMatch(/more than 64 MiB of memory\]$/);
  });

  it.each(['../outside', '/etc', '.perdure', 'missing', 'a.txt', 'link'])(
    'does not start in %s',
    async (folder) => {
      await using commander = await openCommander({
        files: { 'a.txt': '', '.perdure/journal.db': '' },
      });
      await symlink('../outside', path.join(commander.folder.workspace, 'link'));
      await expect(commander.run('pwd', { path: folder })).rejects.toMatchObject(denied);
    },
  );

  it('does not start in a workspace that is reached through a symlink now, nor without one', async () => {
    await using commander = await openCommander();
    const { workspace, outside } = commander.folder;
    await rename(workspace, `${workspace}-moved`);
    await symlink(outside, workspace);
    await expect(commander.run('cat secret.txt')).rejects.toMatchObject(denied);
    await expect(commander.run('true', {}, { workspace: null })).rejects.toMatchObject(denied);
  });
});

describe('kept output', () => {
  it('is whole up to its limit, and never holds half a character', () => {
    const short = new KeptOutput();
    short.push(Buffer.from('a€'.repeat(1_000)));
    expect(short.text()).toBe('a€'.repeat(1_000));
    expect(short.last(4)).toBe('a€');
    expect(short.last(2)).toBe('');
    const long = new KeptOutput();
    for (let n = 0; n < 100; n += 1) long.push(Buffer.from('€'.repeat(1_111)));
    expect(long.text()).not.toContain('\uFFFD');
    expect(long.text()).toContain('bytes of output left out');
    expect(long.bytes).toBe(333_300);
  });
});

describe('names of the data folder inside a workspace', () => {
  const mounts = mountsIn(
    [
      '22 1 8:1 / / rw - ext4 /dev/sda rw',
      '30 22 8:1 /home/me /mnt/me rw - ext4 /dev/sda rw',
      '31 22 8:1 /home/me/work/.perdure/sub /home/me/work/a\\040b rw - ext4 /dev/sda rw',
      '32 22 8:2 / /home/other rw - ext4 /dev/sdb rw',
    ].join('\n'),
  );

  it('are its own, and those of bind mounts of it, around it and in it', () => {
    const folder = '/home/me/work/.perdure';
    expect(namesInside('/home/me/work', folder, mounts)).toEqual([folder, '/home/me/work/a b']);
    expect(namesInside('/mnt/me', folder, mounts)).toEqual(['/mnt/me/work/.perdure']);
    expect(namesInside('/home/other', folder, mounts)).toEqual([]);
    expect(namesInside('/home/me/work', folder, [])).toEqual([folder]);
  });
});
