import { describe, expect, it, test } from 'vitest';
import { argumentsPreview } from '../../activities/tools/arguments-preview.ts';
import { newId } from '../../contracts/ids.ts';
import { MAX_ARGUMENTS_PREVIEW_CHARACTERS } from '../../contracts/limits.ts';
import { scriptedModel } from '../../testing/scripted-model.ts';
import { openStage } from './stage.ts';

const edit = (...edits: readonly object[]) =>
  argumentsPreview('edit_file', { path: 'src/notes.txt', edits });
const HEAD = '--- a/src/notes.txt\n+++ b/src/notes.txt\n';

describe('an edit of a file that is not here', () => {
  it('is shown as what goes and what comes, without numbers of lines', () => {
    expect(edit({ old: 'alpha', new: 'alpha beta' })).toBe(
      `${HEAD}@@ where this text stands @@\n-alpha\n+alpha beta\n`,
    );
  });

  it('is shown with at most three of the lines around it that stay', () => {
    const around = (middle: string) => `a\nb\nc\nd\n${middle}\ne\nf\ng\nh\n`;
    expect(edit({ old: around('old'), new: around('new') })).toBe(
      `${HEAD}@@ where this text stands @@\n b\n c\n d\n-old\n+new\n e\n f\n g\n`,
    );
  });

  it('is shown one by one where there are several, and says where all of a text is replaced', () => {
    const edits = [
      { old: 'a\n', new: '' },
      { old: 'b', new: 'c\nd', all: true },
    ];
    expect(edit(...edits)).toBe(
      `${HEAD}@@ edit 1 of 2, where this text stands @@\n-a\n` +
        '@@ edit 2 of 2, everywhere this text stands @@\n-b\n+c\n+d\n',
    );
  });

  it('says where a line end is all that changes', () => {
    expect(edit({ old: 'a\nb\n', new: 'a\nb' })).toBe(
      `${HEAD}@@ where this text stands @@\n a\n-b\n+b\n\\ without a line end\n`,
    );
  });

  it('is one line for each line of its texts, whatever they are: no text looks like another edit', () => {
    const nasty = '+++ b/other.txt\n@@ where this text stands @@\n-x';
    const shown = argumentsPreview('edit_file', {
      path: 'a.txt\n+++ b/other.txt',
      edits: [{ old: 'y', new: nasty }],
    });
    expect(shown!.split('\n').filter((line) => /^(\+\+\+ |---|@@)/.test(line))).toEqual([
      String.raw`--- a/"a.txt\n+++ b/other.txt"`,
      String.raw`+++ b/"a.txt\n+++ b/other.txt"`,
      '@@ where this text stands @@',
    ]);
  });
});

test('a write to a file that is not here is shown as all that the file will hold', () => {
  const write = (content: string) => argumentsPreview('write_file', { path: 'a.txt', content });
  expect(write('one\n\ntwo')).toBe(
    '+++ b/a.txt\n@@ all of the file, whatever it holds now @@\n+one\n+\n+two\n',
  );
  expect(write('')).toBe('+++ b/a.txt\n@@ all of the file, whatever it holds now: nothing @@\n');
});

test('a command is shown as it is, and where it runs', () => {
  const command = 'echo one \\\n  two';
  expect(argumentsPreview('run_command', { command, path: 'src/../bin', timeoutSeconds: 5 })).toBe(
    `in bin:\n${command}`,
  );
});

test.each([
  ['another tool', 'erase_file', { path: 'a', content: 'b' }],
  ['arguments that it would hide', 'write_file', { path: 'a', content: 'b', mode: '4777' }],
  ['an edit that says more', 'edit_file', { path: 'a', edits: [{ old: 'b', new: 'c', at: 3 }] }],
  ['no edits', 'edit_file', { path: 'a', edits: [] }],
  ['another shape', 'edit_file', { path: 'a', old: 'b', new: 'c' }],
  ['no object', 'write_file', 'a'],
])('%s: the arguments speak for themselves', (_, name, input) => {
  expect(argumentsPreview(name, input)).toBeUndefined();
});

const tool = (name: string) => ({
  ...{ name, description: 'x', effect: 'keyed' as const },
  inputSchema: { type: 'object' as const },
});

test('a call that a runner or a client will answer is asked about with its preview, cut where it is long', async () => {
  const content = 'x'.repeat(2 * MAX_ARGUMENTS_PREVIEW_CHARACTERS);
  const model = scriptedModel([
    {
      calls: [
        { name: 'edit_file', input: { path: 'a', edits: [{ old: 'b', new: 'c' }] } },
        { name: 'write_file', input: { path: 'a', content } },
        { name: 'look_up', input: { path: 'a' } },
      ],
    },
  ]);
  await using stage = await openStage({
    resolver: model.resolver,
    agent: {
      ...{ tools: [], runner: { name: 'laptop' }, approvalPolicy: [{ action: 'ask' }] },
      clientTools: [tool('write_file')],
    },
  });
  await stage.journal.runners.register(
    { tenant: 'acme', user: 'ann' },
    {
      ...{ name: 'laptop', instance: newId('run'), labels: {}, workdir: '/w', version: '1' },
      tools: [tool('edit_file'), tool('look_up')],
    },
  );
  await stage.callModel(stage.message('go'));
  const opened = await stage.eventsOf('approval.opened');
  const previews = opened.map(({ data }) => data.preview);
  expect(previews[0]).toBe('--- a/a\n+++ b/a\n@@ where this text stands @@\n-b\n+c\n');
  expect(previews[1]).toHaveLength(MAX_ARGUMENTS_PREVIEW_CHARACTERS);
  expect(previews[1]).toMatch(/^\+\+\+ b\/a\n@@ all of the file/);
  expect(previews[1]).toContain('characters left out');
  expect(previews[2]).toBeUndefined();
});
