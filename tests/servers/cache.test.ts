import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { cached } from '../../servers/cache.ts';
import { run } from '../../servers/run.ts';

const emptyFolder = () => mkdtemp(join(tmpdir(), 'perdure-cache-'));

test('two at once build an entry once', async () => {
  const cacheDir = await emptyFolder();
  let builds = 0;
  const build = async (folder: string) => {
    builds += 1;
    await sleep(300);
    await writeFile(join(folder, 'program'), 'ready');
  };
  const folders = await Promise.all(
    [1, 2, 3].map(() => cached({ name: 'thing-1', cacheDir, build })),
  );
  expect(new Set(folders)).toHaveLength(1);
  expect(builds).toBe(1);
  expect(await readFile(join(folders[0] ?? '', 'program'), 'utf8')).toBe('ready');
});

test('two processes at once build an entry once', async () => {
  const cacheDir = await emptyFolder();
  const module = fileURLToPath(new URL('../../servers/cache.ts', import.meta.url));
  const script = `
    const { cached } = await import(${JSON.stringify(module)});
    const { writeFile } = await import('node:fs/promises');
    const build = async (folder) => {
      console.log('built');
      await new Promise((resolve) => setTimeout(resolve, 1000));
      await writeFile(folder + '/program', '');
    };
    await cached({ name: 'thing-1', cacheDir: ${JSON.stringify(cacheDir)}, build });
  `;
  const arguments_ = ['--no-warnings', '--input-type=module', '-e', script];
  const runs = await Promise.all([1, 2].map(() => run(process.execPath, arguments_)));
  expect(runs.map(({ code }) => code)).toEqual([0, 0]);
  expect(runs.filter(({ output }) => output.includes('built'))).toHaveLength(1);
});

test('a build that fails leaves nothing behind and can be tried again', async () => {
  const cacheDir = await emptyFolder();
  const failing = cached({
    name: 'thing-1',
    cacheDir,
    build: () => Promise.reject(new Error('no network')),
  });
  await expect(failing).rejects.toThrow('no network');
  expect((await readdir(cacheDir)).filter((name) => !name.endsWith('.lock'))).toEqual([]);
  const build = (folder: string) => writeFile(join(folder, 'program'), '');
  expect(await cached({ name: 'thing-1', cacheDir, build })).toBe(join(cacheDir, 'thing-1'));
});
