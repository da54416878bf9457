import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { launch, waitUntilUp } from '../../servers/child.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('a program that is launched', () => {
  test('has our environment, and its defaults where that says nothing', async () => {
    await using folder = await temporaryFolder();
    const logFile = join(folder.path, 'log');
    process.env['PERDURE_TEST_OURS'] = 'ours';
    const child = launch({
      file: process.execPath,
      args: ['-p', '[process.env.PERDURE_TEST_OURS, process.env.PERDURE_TEST_OTHER].join()'],
      defaults: { PERDURE_TEST_OURS: 'default', PERDURE_TEST_OTHER: 'default' },
      logFile,
      detached: false,
    });
    delete process.env['PERDURE_TEST_OURS'];
    expect(await child.exited).toBe(0);
    expect(await readFile(logFile, 'utf8')).toBe('ours,default\n');
  });

  test.each([
    ['console.error("no such disk")', /ended at once\. Its log \(.*\) ends with:\nno such disk$/],
    ['', /ended at once\. It wrote nothing to its log \(.*\)\.$/],
  ])('and dies of its start is quoted, not who wrote to its log before', async (script, words) => {
    await using folder = await temporaryFolder();
    const logFile = join(folder.path, 'log');
    await writeFile(logFile, 'Error: of yesterday\n');
    const child = launch({
      file: process.execPath,
      args: ['-e', script],
      logFile,
      detached: false,
    });
    const waiting = { what: 'It', child, logFile, timeoutMs: 60_000, isUp: async () => false };
    await expect(waitUntilUp(waiting)).rejects.toThrow(words);
  });

  test('and dies of its start is known by its exit code', async () => {
    await using folder = await temporaryFolder();
    const logFile = join(folder.path, 'log');
    const args = ['-e', 'process.exit(3)'];
    const child = launch({ file: process.execPath, args, logFile, detached: false });
    const waiting = { what: 'It', child, logFile, timeoutMs: 60_000, isUp: async () => false };
    await expect(waitUntilUp(waiting)).rejects.toMatchObject({ exitCode: 3 });
  });
});
