import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { blocksOf, documents } from './markdown.ts';
import type { Block } from './markdown.ts';
import { runningInstance } from './running-instance.ts';


/** A file's blocks are run in their order, so that one may use what an earlier one exported into a file. */
const runnable = documents()
  .map((file) => ({ file, blocks: blocksOf(file).filter(({ mark }) => mark === 'run') }))
  .filter(({ blocks }) => blocks.length > 0);

test('the commands that the documentation marks as run work on a running instance', async () => {
  expect(runnable.map(({ file }) => file)).toContain('README.md');
  await using instance = await runningInstance();
  for (const { file, blocks } of runnable) {
    const script = blocks.map(({ text }) => text).join('\n');
    const { status, stdout, stderr } = spawnSync('sh', ['-ec', instance.translate(script)], {
      env: instance.env,
      encoding: 'utf8',
      timeout: 120_000,
    });
    expect({ file, status, output: status === 0 ? '' : stdout + stderr }).toEqual({
      file,
      status: 0,
      output: '',
    });
  }
}, 300_000);

test('every shell block of the documentation is run, or says why it is not', () => {
  const silent = documents()
    .flatMap(blocksOf)
    .filter(({ language, mark }) => language === 'sh' && !isExplained(mark))
    .map(({ file, text }: Block) => `${file}: ${text.split('\n')[0]}`);
  expect(silent).toEqual([]);
});

/** `docker` and `elsewhere`: no Docker here, another machine. `installs`: what tests/… covers by itself. `person`: it waits for one. */
const isExplained = (mark: string | undefined): boolean =>
  ['run', 'docker', 'elsewhere', 'installs', 'person'].includes(mark ?? '');
