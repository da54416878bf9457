/**
 * After .ci/run's tests: files that failed run once more, alone, while nothing else keeps the machine busy. What passes then is named as flaky, with what it said
 * the first time: real servers on two shared cores are sometimes slower than any deadline. More than a few files have no second try, because then it is not the machine.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { execa } from 'execa';
import { failuresOf } from './test-summary.ts';
import type { TestReport } from './test-summary.ts';

const MOST_FILES = 3;
const REPORT = '.results/tests.json';

/** The files that may run again; none where nothing failed, or too much. */
export function filesToRepeat({ testResults }: TestReport): readonly string[] {
  const failed = testResults.filter(({ status }) => status === 'failed').map(({ name }) => name);
  return failed.length > MOST_FILES ? [] : failed;
}

const count = ({ testResults }: Pick<TestReport, 'testResults'>, ...statuses: string[]): number =>
  testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => statuses.includes(status)).length;

/** The first report with the results of the second in the place of what was run again. */
export function merge(first: TestReport, second: TestReport): TestReport {
  const again = new Map(second.testResults.map((file) => [file.name, file]));
  const testResults = first.testResults.map((file) => again.get(file.name) ?? file);
  return {
    success: second.success && testResults.every(({ status }) => status === 'passed'),
    numPassedTests: count({ testResults }, 'passed'),
    numFailedTests: count({ testResults }, 'failed'),
    numPendingTests: count({ testResults }, 'pending', 'skipped', 'disabled'),
    numTodoTests: count({ testResults }, 'todo'),
    testResults,
  };
}

/** What the first run said of the files that passed in the second. */
export function flakyLines(first: TestReport, second: TestReport, root: string): string[] {
  const passed = new Set(
    second.testResults.filter(({ status }) => status === 'passed').map(({ name }) => name),
  );
  return first.testResults
    .filter(({ name }) => passed.has(name))
    .flatMap((file) => failuresOf(file, relative(root, file.name)))
    .map((line) => line.replace(/^FAILED/, 'FLAKY (passed alone)'));
}

const read = async (file: string): Promise<TestReport> =>
  JSON.parse(await readFile(file, 'utf8')) as TestReport;

async function main(): Promise<void> {
  // No report: the summary says so.
  const first = await read(REPORT).catch(() => undefined);
  const files = first ? filesToRepeat(first) : [];
  if (!first || files.length === 0) return void (process.exitCode = 1);
  await rm(REPORT);
  // Without coverage, whose figures the first run has left.
  const { CI: _, ...env } = process.env;
  await execa('vitest', ['run', ...files], {
    // With the project's own Node, which is not that of the machine.
    preferLocal: true,
    ...{ env, extendEnv: false, stdio: 'inherit', reject: false },
  });
  const second = await read(REPORT);
  const merged = merge(first, second);
  await writeFile(REPORT, JSON.stringify(merged));
  for (const line of flakyLines(first, second, process.cwd())) console.log(line);
  process.exitCode = merged.success ? 0 : 1;
}

if (import.meta.main) await main();
