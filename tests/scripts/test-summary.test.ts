import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { summarize } from '../../scripts/test-summary.ts';
import type { TestReport } from '../../scripts/test-summary.ts';
import { run } from '../../servers/run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/test-summary.ts', import.meta.url));

const GREEN: TestReport = {
  success: true,
  numPassedTests: 2,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [
    {
      name: '/clone/tests/a.test.ts',
      status: 'passed',
      message: '',
      assertionResults: [{ ancestorTitles: [], title: 'one', status: 'passed' }],
    },
  ],
};

/** The report of one file with one test more. */
const withTest = (
  status: string,
  failureMessages: readonly string[],
): TestReport['testResults'] => [
  ...GREEN.testResults,
  {
    name: '/clone/tests/b.test.ts',
    status: 'failed',
    message: '',
    assertionResults: [{ ancestorTitles: ['a session'], title: 'ends', status, failureMessages }],
  },
];

const RED: TestReport = {
  ...GREEN,
  success: false,
  numFailedTests: 1,
  testResults: withTest('failed', [
    'Error: \u001b[31mnever came\u001b[39m: the end\n    at b.ts:3',
  ]),
};

test('a green report is its counts alone', () => {
  expect(summarize(GREEN, '/clone')).toEqual({
    lines: ['2 passed, 0 failed, 0 skipped'],
    passed: true,
  });
});

test('each failed test is named with its file and the beginning of its message, before the counts', () => {
  expect(summarize(RED, '/clone')).toEqual({
    lines: [
      'FAILED tests/b.test.ts > a session > ends',
      '    Error: never came: the end',
      '        at b.ts:3',
      '',
      '2 passed, 1 failed, 0 skipped',
    ],
    passed: false,
  });
});

test('of a long message the beginning is shown', () => {
  const long = Array.from({ length: 50 }, (_, index) => `line ${index} ${'x'.repeat(1_000)}`);
  const { lines } = summarize(
    { ...RED, testResults: withTest('failed', [long.join('\n')]) },
    '/clone',
  );
  expect(lines).toHaveLength(15);
  expect(lines.every((line) => line.length <= 304)).toBe(true);
});

test('a file that fails before it has a test is named with its reason', () => {
  const file = { name: '/clone/tests/c.test.ts', status: 'failed', message: 'SyntaxError: no' };
  const report = { ...GREEN, success: false, testResults: [{ ...file, assertionResults: [] }] };
  expect(summarize(report, '/clone')).toEqual({
    lines: ['FAILED tests/c.test.ts', '    SyntaxError: no', '', '2 passed, 0 failed, 0 skipped'],
    passed: false,
  });
});

test.each(['pending', 'skipped', 'todo'])('a %s test fails the run and is named', (status) => {
  const report = { ...GREEN, numPendingTests: 1, testResults: withTest(status, []) };
  expect(summarize(report, '/clone')).toEqual({
    lines: ['SKIPPED tests/b.test.ts > a session > ends', '', '2 passed, 0 failed, 1 skipped'],
    passed: false,
  });
});

test('a run without a single test proves nothing', () => {
  expect(summarize({ ...GREEN, numPassedTests: 0 }, '/clone').passed).toBe(false);
});

test('as a program it prints that, with the counts as its last line, and its exit code says how it went', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'tests.json');
  await writeFile(file, JSON.stringify(RED));
  const red = await run(process.execPath, [SCRIPT, file]);
  expect(red.code).toBe(1);
  expect(red.output).toContain('FAILED ');
  expect(red.output.trimEnd().split('\n').at(-1)).toBe('2 passed, 1 failed, 0 skipped');
  await writeFile(file, JSON.stringify(GREEN));
  expect(await run(process.execPath, [SCRIPT, file])).toEqual({
    code: 0,
    output: '2 passed, 0 failed, 0 skipped\n',
  });
});

test.each([
  ['is not there', undefined],
  ['is cut off', '{"success": tr'],
])('when vitest dies, and its report %s, one line says so', async (found, text) => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'tests.json');
  if (text !== undefined) await writeFile(file, text);
  const { code, output } = await run(process.execPath, [SCRIPT, file]);
  expect(code).toBe(1);
  expect(output).toContain(`The tests left no report (${file} ${found})`);
  expect(output.trim().split('\n')).toHaveLength(1);
});
