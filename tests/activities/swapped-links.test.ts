// Somebody swaps a folder and a file of the workspace for symlinks that lead out, and back, as fast as he can, while the tools look at them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { openWriter } from './writing/writer.ts';

vi.setConfig({ testTimeout: 240_000 });

const SWAPPER = `
  const fs = require('node:fs');
  const tried = (work) => {
    try {
      work();
    } catch {
      // A tool has made one of that name in between: out of the way.
    }
  };
  const swap = (name, to) => {
    tried(() => fs.renameSync(name, name + '.old'));
    tried(() => fs.symlinkSync(to, name));
    tried(() => fs.existsSync(name + '.old') && fs.rmSync(name, { recursive: true, force: true }));
    tried(() => fs.renameSync(name + '.old', name));
  };
  console.log('swapping');
  for (;;) {
    swap('sub', '../outside');
    swap('secret.txt', '../outside/secret.txt');
  }
`;
const TRIES = 400;
/** Each of them waits for the disk. */
const WRITES = 40;
/** Stands outside only; what is inside under the same names is harmless. */
const SECRET = /TOP SECRET|only-outside/;

async function swapped() {
  const writer = await openWriter({ 'sub/secret.txt': 'harmless', 'secret.txt': 'harmless' });
  const { folder } = writer;
  await writeFile(path.join(folder.outside, 'only-outside.txt'), 'TOP SECRET');
  const swapping = spawn(process.execPath, ['-e', SWAPPER], { cwd: folder.workspace });
  await once(swapping.stdout, 'data');
  return {
    writer,
    /** How often a call was answered, and how often refused; none of it tells what is outside. */
    async calls(name: string, input: object): Promise<{ answered: number; refused: number }> {
      const counts = { answered: 0, refused: 0 };
      for (let n = 0; n < TRIES; n += 1) {
        const said = await folder.run(name, input).then(
          (answer) => (counts.answered++, answer),
          (error: Error) => (counts.refused++, error.message),
        );
        expect(said).not.toMatch(SECRET);
      }
      return counts;
    },
    async [Symbol.asyncDispose]() {
      // To the end.
      expect(swapping.exitCode).toBe(null);
      const over = once(swapping, 'exit');
      swapping.kill('SIGKILL');
      await over;
      await writer[Symbol.asyncDispose]();
    },
  };
}

describe('while a symlink that leads out comes and goes', () => {
  it.each([
    ['read_file', { path: 'sub/secret.txt' }],
    ['read_file', { path: 'secret.txt' }],
    ['list_files', { path: 'sub' }],
    ['list_files', { recursive: true }],
    ['search_files', { query: 'e' }],
    ['search_files', { query: 'e', path: 'sub' }],
  ])('%s %j tells nothing of what is outside', async (name, input) => {
    await using race = await swapped();
    const { answered } = await race.calls(name, input);
    // It met the folder as often as it met the symlink, or nothing was tried.
    expect(answered).toBeGreaterThan(0);
  });

  it('what is outside stays as it is, whatever is written and edited', async () => {
    await using race = await swapped();
    const { writer } = race;
    let done = 0;
    const tried = (work: Promise<unknown>) =>
      work.then(
        () => done++,
        () => undefined,
      );
    for (let n = 0; n < WRITES; n += 1) {
      const [old, changed] = n % 2 === 0 ? ['harmless', 'SECRET'] : ['SECRET', 'harmless'];
      await tried(writer.edit('sub/secret.txt', { old, new: changed }));
      for (const name of ['sub/new.txt', 'secret.txt']) await tried(writer.write(name, 'harmless'));
    }
    expect(done).toBeGreaterThan(0);
    for (const name of ['secret.txt', 'only-outside.txt'])
      expect(await readFile(path.join(writer.folder.outside, name), 'utf8')).toBe('TOP SECRET');
  });
});
