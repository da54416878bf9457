// Compares the coverage of the last test run with scripts/coverage-thresholds.ts.
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { COVERAGE_GROUPS } from './coverage-thresholds.ts';
import type { CoverageGroup } from './coverage-thresholds.ts';

interface Lines {
  readonly total: number;
  readonly covered: number;
}

interface FileCoverage extends Lines {
  readonly path: string;
}

const SUMMARY = 'coverage/coverage-summary.json';
const SHOWN_FILES = 10;

const files = await readSummary();
const failures = COVERAGE_GROUPS.filter((group) => !reached(group));
process.exitCode = failures.length === 0 ? 0 : 1;

async function readSummary(): Promise<FileCoverage[]> {
  const text = await readFile(SUMMARY, 'utf8').catch(() => {
    throw new Error(`${SUMMARY} is not there: run the tests with PERDURE_COVERAGE=1 first`);
  });
  const summary = JSON.parse(text) as Record<string, { lines: Lines }>;
  return Object.entries(summary)
    .filter(([path]) => path !== 'total')
    .map(([path, { lines }]) => ({ path: relative(process.cwd(), path), ...lines }));
}

function reached(group: CoverageGroup): boolean {
  const members = files.filter(({ path }) => group.files.test(path));
  const percent = percentOf(members);
  const ok = members.length > 0 && percent >= group.lines;
  console.log(
    `${ok ? 'ok    ' : 'FAILED'} ${group.name}: ${percent.toFixed(2)} % of lines (at least ${group.lines} %)`,
  );
  if (!ok) explain(members);
  return ok;
}

function explain(members: readonly FileCoverage[]): void {
  if (members.length === 0) console.log('         no file matches this group');
  const missed = members
    .filter(({ total, covered }) => covered < total)
    .toSorted((a, b) => missing(b) - missing(a));
  for (const file of missed.slice(0, SHOWN_FILES))
    console.log(`         ${file.path}: ${missing(file)} lines not run`);
}

const missing = ({ total, covered }: Lines): number => total - covered;

function percentOf(members: readonly Lines[]): number {
  const total = members.reduce((sum, file) => sum + file.total, 0);
  const covered = members.reduce((sum, file) => sum + file.covered, 0);
  return total === 0 ? 0 : (100 * covered) / total;
}
