import { chmod, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { MAIN, UNMEASURED } from '../support/processes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** All of the environment, because Node hands the variable of the coverage on to its children where it is absent. */
const helped = (env: NodeJS.ProcessEnv) =>
  execa(process.execPath, [MAIN, '--help'], { env: { ...UNMEASURED, ...env }, extendEnv: false });

test('compiled code is kept in the cache for the next start', async () => {
  await using folder = await temporaryFolder();
  const env = { PERDURE_CACHE: folder.path };
  const { stdout } = await helped(env);
  const kept = () => readdir(join(folder.path, 'code'), { recursive: true });
  const after = await kept();
  expect(after.length).toBeGreaterThan(20);
  expect((await helped(env)).stdout).toBe(stdout);
  expect(await kept()).toEqual(after);
});

test('no code is kept where a person says another folder, or while coverage is measured', async () => {
  await using folder = await temporaryFolder();
  const [cache, own, raw] = ['cache', 'own', 'raw'].map((name) => join(folder.path, name));
  await helped({ PERDURE_CACHE: cache, NODE_COMPILE_CACHE: own });
  await helped({ PERDURE_CACHE: cache, NODE_V8_COVERAGE: raw });
  expect((await readdir(folder.path)).toSorted()).toEqual(['own', 'raw']);
});

test('a folder for compiled code that cannot be had is no error', async () => {
  await using folder = await temporaryFolder();
  const cache = join(folder.path, 'cache');
  await mkdir(cache);
  await chmod(cache, 0o500);
  // Whoever is root may write everywhere but below a file.
  const nowhere = [cache, join(MAIN, 'cache')];
  for (const PERDURE_CACHE of nowhere) {
    const { stdout, stderr } = await helped({ PERDURE_CACHE });
    expect(stdout).toContain('Usage: perdure');
    expect(stderr).toBe('');
  }
});
