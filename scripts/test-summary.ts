// The last line of .ci/run, from vitest's report. A skipped test fails: nobody would notice that it proves nothing.
import { readFile } from 'node:fs/promises';

interface Report {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

const report = JSON.parse(await readFile('.results/tests.json', 'utf8')) as Report;
const skipped = report.numPendingTests + report.numTodoTests;
console.log(`${report.numPassedTests} passed, ${report.numFailedTests} failed, ${skipped} skipped`);
process.exitCode = report.success && skipped === 0 && report.numPassedTests > 0 ? 0 : 1;
