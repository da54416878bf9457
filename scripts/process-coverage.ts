// What the processes that vitest does not watch have run: the workflow sandbox (a worker thread), and every process
// that a test starts. Node writes their raw V8 coverage (NODE_V8_COVERAGE, set by vitest.config.ts) when they end; a
// killed process writes none. Node runs TypeScript by blanking the types out, so offsets are those of the source file.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { LEAST_UPPER_BOUND, TraceMap, generatedPositionFor } from '@jridgewell/trace-mapping';

export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 0. */
  readonly column: number;
}

/** Whether a process has run the statement that starts there, in a file given by its absolute path. */
export type HasRun = (file: string, position: Position) => boolean;

interface RawScript {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly RawRange[] }[];
}

interface RawRange {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

const INLINE_MAP = /sourceMappingURL=data:application\/json;charset=utf-8;base64,(\S+)\s*$/;

export async function readProcessCoverage(folder: string, root: string): Promise<HasRun> {
  const ran = new Map<string, HasRun[]>();
  const texts = new Map<string, string | undefined>();
  const wanted = scriptFilter(root);
  for (const name of await readdir(folder).catch(() => [])) {
    const raw = JSON.parse(await readFile(join(folder, name), 'utf8')) as { result: RawScript[] };
    for (const script of raw.result.filter(wanted)) {
      const path = fileURLToPath(script.url);
      if (!texts.has(path)) texts.set(path, await readFile(path, 'utf8').catch(() => undefined));
      const text = texts.get(path);
      if (text !== undefined) add(ran, path, lookUp(path, { text, script }));
    }
  }
  const bundles = [...ran.keys()].filter(isBundle);
  return (file, position) =>
    [file, ...bundles].some((path) => ran.get(path)?.some((hasRun) => hasRun(file, position)));
}

const isBundle = (path: string) => path.endsWith('.js');

function scriptFilter(root: string): (script: RawScript) => boolean {
  const prefix = pathToFileURL(root).href;
  return ({ url }) =>
    url.startsWith('file:') &&
    !url.includes('/node_modules/') &&
    ((url.startsWith(prefix) && url.endsWith('.ts')) || url.endsWith('bundle.js'));
}

function add(ran: Map<string, HasRun[]>, path: string, hasRun: HasRun): void {
  const known = ran.get(path);
  if (known) known.push(hasRun);
  else ran.set(path, [hasRun]);
}

function lookUp(path: string, source: { text: string; script: RawScript }): HasRun {
  const executed = paint(source.text.length, source.script);
  const lineStarts = startsOfLines(source.text);
  const at = ({ line, column }: Position) => executed[(lineStarts[line - 1] ?? 0) + column] === 1;
  if (!isBundle(path)) return (file, position) => file === path && at(position);
  const map = sourceMapOf(path, source.text);
  return (file, position) => {
    const generated = generatedPositionFor(map, {
      source: file,
      ...position,
      bias: LEAST_UPPER_BOUND,
    });
    return generated.line !== null && at(generated);
  };
}

/** The innermost range decides: outer ones are painted first. */
function paint(length: number, script: RawScript): Uint8Array {
  const executed = new Uint8Array(length);
  const ranges = script.functions.flatMap((fn) => fn.ranges);
  const outerFirst = ranges.toSorted(
    (a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset,
  );
  for (const range of outerFirst)
    executed.fill(range.count > 0 ? 1 : 0, range.startOffset, range.endOffset);
  return executed;
}

function startsOfLines(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

const maps = new Map<string, TraceMap>();

function sourceMapOf(path: string, text: string): TraceMap {
  const known = maps.get(path);
  if (known) return known;
  const encoded = INLINE_MAP.exec(text)?.[1];
  if (!encoded) throw new Error(`${path} has no inline source map`);
  const parsed = JSON.parse(Buffer.from(encoded, 'base64').toString()) as ConstructorParameters<
    typeof TraceMap
  >[0];
  const map = new TraceMap(parsed);
  maps.set(path, map);
  return map;
}
