import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { blocksOf, documents } from './markdown.ts';
import type { Block } from './markdown.ts';
import { runningInstance } from './running-instance.ts';
import type { RunningInstance } from './running-instance.ts';


/** A file's blocks are run in their order, so that one may use what an earlier one exported into a file. */
const runnable = documents()
  .map((file) => ({ file, blocks: blocksOf(file).filter(({ mark }) => mark === 'run') }))
  .filter(({ blocks }) => blocks.length > 0);

/** Commands that end with an answer of the API, and the answer that the page shows below them. */
const answering = documents().flatMap((file) => {
  const blocks = blocksOf(file);
  return blocks.flatMap(({ text, mark }, index) =>
    mark === 'answers' ? [{ file, text, shown: blocks[index + 1]?.text ?? '' }] : [],
  );
});

const run = (instance: RunningInstance, script: string) =>
  spawnSync('sh', ['-ec', instance.translate(script)], {
    env: instance.env,
    encoding: 'utf8',
    timeout: 120_000,
  });

/** Ids differ each time, the folder on each machine. */
const comparable = (text: string): unknown =>
  JSON.parse(
    text.replaceAll(/ses_[a-z0-9]{26}/g, 'ses_…').replaceAll(process.cwd(), '/srv/projects'),
    (key, value: unknown) => (key === 'requestId' ? '…' : value),
  );

test('the commands that the documentation marks as run work on a running instance, and answers are as it shows them', async () => {
  expect(runnable.map(({ file }) => file)).toContain('README.md');
  await using instance = await runningInstance();
  for (const { file, blocks } of runnable) {
    const script = blocks.map(({ text }) => text).join('\n');
    const { status, stdout, stderr } = run(instance, script);
    expect({ file, status, output: status === 0 ? '' : stdout + stderr }).toEqual({
      file,
      status: 0,
      output: '',
    });
  }
  expect(answering.length).toBeGreaterThan(5);
  const shown = answering.map((each) => ({ file: each.file, answer: comparable(each.shown) }));
  const given = answering.map(({ file, text }) => ({
    file,
    answer: comparable(run(instance, text).stdout),
  }));
  expect(given).toEqual(shown);
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
  ['run', 'answers', 'docker', 'elsewhere', 'installs', 'person'].includes(mark ?? '');
