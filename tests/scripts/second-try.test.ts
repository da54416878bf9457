import { expect, test } from 'vitest';
import { filesToRepeat, flakyLines, merge } from '../../scripts/second-try.ts';
import type { TestReport } from '../../scripts/test-summary.ts';

type File = TestReport['testResults'][number];

const file = (name: string, ...statuses: string[]): File => ({
  name: `/clone/tests/${name}`,
  status: statuses.includes('failed') ? 'failed' : 'passed',
  message: '',
  assertionResults: statuses.map((status, index) => ({
    ...{ ancestorTitles: [], title: `test ${index + 1}`, status },
    failureMessages: status === 'failed' ? ['Error: too late'] : [],
  })),
});

const report = (...testResults: File[]): TestReport => ({
  success: testResults.every(({ status }) => status === 'passed'),
  ...{ numPassedTests: -1, numFailedTests: -1, numPendingTests: -1, numTodoTests: -1 },
  testResults,
});

const first = report(file('a.test.ts', 'passed'), file('b.test.ts', 'passed', 'failed'));

test('what failed runs again, unless that is much', () => {
  expect(filesToRepeat(first)).toEqual(['/clone/tests/b.test.ts']);
  const failed = ['a', 'b', 'c', 'd'].map((name) => file(name, 'failed'));
  expect(filesToRepeat(report(...failed.slice(1)))).toHaveLength(3);
  expect(filesToRepeat(report(...failed))).toEqual([]);
});

test('a file that passes alone counts as passed, and is named with what it said first', () => {
  const second = report(file('b.test.ts', 'passed', 'passed'));
  expect(merge(first, second)).toMatchObject({
    success: true,
    numPassedTests: 3,
    numFailedTests: 0,
    numPendingTests: 0,
  });
  expect(flakyLines(first, second, '/clone')).toEqual([
    'FLAKY (passed alone) tests/b.test.ts > test 2',
    '    Error: too late',
    '',
  ]);
});

test('one that fails again has failed, and so has a run that failed otherwise', () => {
  const again = report(file('b.test.ts', 'failed', 'passed', 'skipped'));
  expect(merge(first, again)).toMatchObject({
    success: false,
    numPassedTests: 2,
    numFailedTests: 1,
    numPendingTests: 1,
  });
  expect(flakyLines(first, again, '/clone')).toEqual([]);
  const unhandled = { ...report(file('b.test.ts', 'passed', 'passed')), success: false };
  expect(merge(first, unhandled).success).toBe(false);
});
