import { stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { openWorkdir } from './sandboxed.ts';

describe('a sandbox', () => {
  it('runs a program in its folder, with its own answer and exit code', async () => {
    await using folder = await openWorkdir();
    const { out, err, end } = await folder.run('pwd; echo bad >&2; exit 7');
    expect([out, err, end]).toEqual([
      `${folder.workdir}\n`,
      'bad\n',
      { how: 'exited', code: 7, outOfMemory: false },
    ]);
  });

  it('tells a signal that ended the program as a shell does', async () => {
    await using folder = await openWorkdir();
    expect((await folder.run('kill -TERM $$')).end).toEqual({
      how: 'exited',
      code: 143,
      outOfMemory: false,
    });
  });

  it('says that it did not start, and why', async () => {
    await using folder = await openWorkdir();
    const { err, end } = await folder.run('true', { workdir: `${folder.workdir}-gone` });
    expect(end).toEqual({ how: 'not-started' });
    expect(err).toContain('No such file or directory');
  });

  it('runs nothing where its folder is another one than the one that was looked at', async () => {
    await using folder = await openWorkdir();
    const { dev, ino } = await stat(folder.root, { bigint: true });
    const { out, end } = await folder.run('echo ran', { workdirIdentity: { dev, ino } });
    expect([out, end]).toEqual(['', { how: 'moved' }]);
    const itself = await stat(folder.workdir, { bigint: true });
    expect((await folder.run('echo ran', { workdirIdentity: itself })).out).toBe('ran\n');
  });

  it('passes a signal to the program, which may answer it', async () => {
    await using folder = await openWorkdir();
    const sandbox = folder.start('trap "echo caught; exit 3" INT; echo ready; read -r line');
    sandbox.stdout.once('data', () => sandbox.signal('SIGINT'));
    const chunks: string[] = [];
    sandbox.stdout.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
    sandbox.stderr.resume();
    expect(await sandbox.ended).toEqual({ how: 'exited', code: 3, outOfMemory: false });
    expect(chunks.join('')).toBe('ready\ncaught\n');
  });

  it.each(['/', '/usr', '/etc'])('is not to be had with %s writable', async (workdir) => {
    await using folder = await openWorkdir();
    await expect(folder.run('true', { workdir })).rejects.toMatchObject({ code: 'tool_denied' });
  });
});
