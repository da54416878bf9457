import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { cached } from '../../servers/cache.ts';
import { run } from '../../servers/run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('two at once build an entry once', async () => {
  await using folder = await temporaryFolder();
  const cacheDir = folder.path;
  let builds = 0;
  const build = async (into: string) => {
    builds += 1;
    await sleep(300);
    await writeFile(join(into, 'program'), 'ready');
  };
  const folders = await Promise.all(
    [1, 2, 3].map(() => cached({ name: 'thing-1', cacheDir, build })),
  );
  expect(new Set(folders)).toHaveLength(1);
  expect(builds).toBe(1);
  expect(await readFile(join(folders[0] ?? '', 'program'), 'utf8')).toBe('ready');
});

test('two processes at once build an entry once', async () => {
  await using folder = await temporaryFolder();
  const cacheDir = folder.path;
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
  await using folder = await temporaryFolder();
  const cacheDir = folder.path;
  const failing = cached({
    name: 'thing-1',
    cacheDir,
    build: () => Promise.reject(new Error('no network')),
  });
  await expect(failing).rejects.toThrow('no network');
  expect((await readdir(cacheDir)).filter((name) => !name.endsWith('.lock'))).toEqual([]);
  const build = (into: string) => writeFile(join(into, 'program'), '');
  expect(await cached({ name: 'thing-1', cacheDir, build })).toBe(join(cacheDir, 'thing-1'));
});
