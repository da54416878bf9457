/**
 * The end of .ci/run, from vitest's report: what failed and why, so that a log whose head is cut still tells it, and the counts alone on the last
 * line. A skipped test fails: nobody would notice that it proves nothing.
 */
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

export interface TestReport {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly FileResult[];
}

interface FileResult {
  /** The file's absolute path. */
  readonly name: string;
  readonly status: string;
  /** Why the file as a whole failed; empty where only its tests did. */
  readonly message: string;
  readonly assertionResults: readonly TestResult[];
}

interface TestResult {
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly status: string;
  readonly failureMessages?: readonly string[] | null;
}

export interface Summary {
  readonly lines: readonly string[];
  readonly passed: boolean;
}

const SHOWN_LINES = 12;
const SHOWN_COLUMNS = 300;
const NOT_PROVED = new Set(['pending', 'skipped', 'todo', 'disabled']);

/** The last of the lines is the counts. `root` is what file names are relative to. */
export function summarize(report: TestReport, root: string): Summary {
  const { numPassedTests: passed, numFailedTests: failed } = report;
  const skipped = report.numPendingTests + report.numTodoTests;
  return {
    lines: [
      ...report.testResults.flatMap((file) => failuresOf(file, relative(root, file.name))),
      `${passed} passed, ${failed} failed, ${skipped} skipped`,
    ],
    passed: report.success && failed === 0 && skipped === 0 && passed > 0,
  };
}

/** What failed in a file, in lines. */
export function failuresOf(file: FileResult, path: string): string[] {
  const tests = file.assertionResults.flatMap((test) => failureOf(test, path));
  if (tests.length > 0 || file.status !== 'failed') return tests;
  return [`FAILED ${path}`, ...beginning(file.message), ''];
}

function failureOf(test: TestResult, path: string): string[] {
  const name = [path, ...test.ancestorTitles, test.title].join(' > ');
  if (NOT_PROVED.has(test.status)) return [`SKIPPED ${name}`, ''];
  if (test.status !== 'failed') return [];
  return [`FAILED ${name}`, ...(test.failureMessages ?? []).flatMap(beginning), ''];
}

const beginning = (message: string): string[] =>
  stripVTControlCharacters(message)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, SHOWN_LINES)
    .map((line) => `    ${line.slice(0, SHOWN_COLUMNS)}`);

async function main(file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  const report = text === undefined ? undefined : parse(text);
  if (report) {
    const { lines, passed } = summarize(report, process.cwd());
    for (const line of lines) console.log(line);
    process.exitCode = passed ? 0 : 1;
    return;
  }
  const found = text === undefined ? 'is not there' : 'is cut off';
  console.log(
    `The tests left no report (${file} ${found}): vitest itself was killed or failed. What it said last is further up.`,
  );
  process.exitCode = 1;
}

function parse(text: string): TestReport | undefined {
  try {
    return JSON.parse(text) as TestReport;
  } catch {
    return undefined;
  }
}

if (import.meta.main) await main(process.argv[2] ?? '.results/tests.json');
