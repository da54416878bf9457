// Compares the lines that the last test run executed with scripts/coverage-thresholds.ts: what vitest saw in the test
// files' own processes, and what the workflow sandbox and the started processes ran.
import { readFile, writeFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { COVERAGE_GROUPS } from './coverage-thresholds.ts';
import type { CoverageGroup } from './coverage-thresholds.ts';
import { readProcessCoverage } from './process-coverage.ts';
import type { HasRun, Position } from './process-coverage.ts';

/** A file as vitest's istanbul-shaped report has it: statements by number, and how often each was run. */
interface WatchedFile {
  readonly path: string;
  readonly statementMap: Readonly<Record<string, { readonly start: Position }>>;
  readonly s: Readonly<Record<string, number>>;
}

interface FileCoverage {
  readonly path: string;
  readonly total: number;
  readonly covered: number;
  readonly missed: readonly number[];
}

const WATCHED = 'coverage/coverage-final.json';
const PROCESSES = '.results/v8';
const LINES = 'coverage/missed-lines.json';
const SHOWN_FILES = 10;
const SHOWN_LINES = 12;

const files = await measure();
await writeFile(
  LINES,
  JSON.stringify(Object.fromEntries(files.map((file) => [file.path, file.missed])), null, 1),
);
const failures = COVERAGE_GROUPS.filter((group) => !reached(group));
if (failures.length > 0) console.log(`All lines that were not run: ${LINES}`);
process.exitCode = failures.length === 0 ? 0 : 1;

async function measure(): Promise<FileCoverage[]> {
  const text = await readFile(WATCHED, 'utf8').catch(() => {
    throw new Error(`${WATCHED} is not there: run the tests with PERDURE_COVERAGE=1 first`);
  });
  const watched = Object.values(JSON.parse(text) as Record<string, WatchedFile>);
  const hasRun = await readProcessCoverage(PROCESSES, `${process.cwd()}/`);
  return watched.map((file) => linesOf(file, hasRun));
}

/** A line counts by the statements that start on it, and is covered when one of them ran anywhere. */
function linesOf(file: WatchedFile, hasRun: HasRun): FileCoverage {
  const lines = new Map<number, boolean>();
  for (const [id, { start }] of Object.entries(file.statementMap)) {
    const known = lines.get(start.line) ?? false;
    lines.set(start.line, known || (file.s[id] ?? 0) > 0 || hasRun(file.path, start));
  }
  const missed = [...lines].filter(([, covered]) => !covered).map(([line]) => line);
  const path = relative(process.cwd(), file.path);
  return { path, total: lines.size, covered: lines.size - missed.length, missed };
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
  const worst = members.filter(({ missed }) => missed.length > 0);
  worst.sort((a, b) => b.missed.length - a.missed.length);
  for (const { path, missed } of worst.slice(0, SHOWN_FILES)) {
    const lines =
      missed.slice(0, SHOWN_LINES).join(', ') + (missed.length > SHOWN_LINES ? ' …' : '');
    console.log(`         ${path}: ${missed.length} lines not run (${lines})`);
  }
}

function percentOf(members: readonly FileCoverage[]): number {
  const total = members.reduce((sum, file) => sum + file.total, 0);
  const covered = members.reduce((sum, file) => sum + file.covered, 0);
  return total === 0 ? 0 : (100 * covered) / total;
}
