/** Loads the tools of a folder: every problem of every file at once. Runs the files' own code, in this process. */
import { readdir } from 'node:fs/promises';
import { registerHooks } from 'node:module';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { fileProblem } from '../../../contracts/file-problems.ts';
import { BUILT_IN_TOOLS } from '../../../contracts/settings.ts';
import { checkTool } from './check.ts';
import type { SoundTool } from './check.ts';
import { isDefinedTool } from './define-tool.ts';

export interface FileProblem {
  readonly file: string;
  readonly reason: string;
}

export interface LoadedTools {
  readonly tools: readonly SoundTool[];
  readonly problems: readonly FileProblem[];
  /** Names of tools that are there and not sound: whoever names them has made no mistake. */
  readonly refused: readonly string[];
}

/** A file that waits for something while it is loaded would hold the start up for ever. */
const LOAD_MS = 10_000;

const OWN_NAME = 'perdure/tools';
const OWN_URL = new URL('./index.ts', import.meta.url).href;
let isResolved = false;

/** The folder may lie anywhere: nothing has to be installed in it. */
function resolveOwnName(): void {
  if (isResolved) return;
  isResolved = true;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === OWN_NAME ? { url: OWN_URL, shortCircuit: true } : next(specifier, context),
  });
}

/** Files whose name begins with "_" or "." are for the others to import. */
const isToolFile = (name: string): boolean =>
  /^[^_.].*\.(ts|js|mjs)$/.test(name) && !/\.(d|test)\.ts$/.test(name);

export async function loadTools(folder: string, loadMs = LOAD_MS): Promise<LoadedTools> {
  resolveOwnName();
  let files: string[];
  try {
    files = (await readdir(folder)).filter(isToolFile).toSorted();
  } catch (error) {
    return { tools: [], problems: [{ file: folder, reason: fileProblem(error) }], refused: [] };
  }
  const loaded = await Promise.all(files.map((name) => loadFile(path.join(folder, name), loadMs)));
  return withoutClashes(loaded.flat());
}

interface Found {
  readonly file: string;
  readonly tool?: SoundTool;
  readonly reason?: string;
  /** Of a tool that is refused. */
  readonly name?: string | undefined;
}

async function loadFile(file: string, loadMs: number): Promise<readonly Found[]> {
  let exported: unknown;
  try {
    exported = await imported(file, loadMs);
  } catch (error) {
    return [{ file, reason: `cannot be loaded: ${wordsOf(error)}` }];
  }
  const list: readonly unknown[] = Array.isArray(exported) ? exported : [exported];
  if (exported === undefined || list.length === 0)
    return [
      { file, reason: 'has no tool: expected `export default defineTool({ … })`, or a list' },
    ];
  return list.flatMap((value, index) => found(file, value, list.length > 1 ? index : undefined));
}

async function imported(file: string, loadMs: number): Promise<unknown> {
  const done = new AbortController();
  const loading = import(/* @vite-ignore */ pathToFileURL(file).href) as Promise<{
    default?: unknown;
  }>;
  const late = sleep(loadMs, undefined, { signal: done.signal }).then(() => {
    throw new Error(`it was not done after ${loadMs / 1_000} s; does it wait for something?`);
  });
  late.catch(() => {});
  try {
    return (await Promise.race([loading, late])).default;
  } finally {
    done.abort();
  }
}

function found(file: string, value: unknown, index: number | undefined): readonly Found[] {
  const which = index === undefined ? '' : `[${index}] `;
  if (!isDefinedTool(value))
    return [
      { file, reason: `${which}is not what defineTool returns: import it from "${OWN_NAME}"` },
    ];
  const { tool, problems } = checkTool(value.options);
  const name = nameIn(value.options);
  return tool
    ? [{ file, tool }]
    : problems.map((problem) => ({ file, reason: which + problem, name }));
}

const nameIn = (options: unknown): string | undefined => {
  const { name } = (options ?? {}) as { name?: unknown };
  return typeof name === 'string' ? name : undefined;
};

function withoutClashes(all: readonly Found[]): LoadedTools {
  const taken = new Map<string, string>(BUILT_IN_TOOLS.map((name) => [name, 'a built-in tool']));
  const tools: SoundTool[] = [];
  const problems: FileProblem[] = [];
  for (const { file, tool, reason } of all) {
    if (!tool) {
      problems.push({ file, reason: reason! });
      continue;
    }
    const other = taken.get(tool.name);
    if (other === undefined) tools.push(tool);
    else problems.push({ file, reason: `name: "${tool.name}" is taken by ${other}` });
    taken.set(tool.name, other ?? file);
  }
  const refused = all.flatMap(({ name }) => (name === undefined ? [] : [name]));
  return { tools, problems, refused };
}

/** Where a syntax error is stands before its name; of the stack of anything else nothing helps. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [place = ''] = error instanceof SyntaxError ? (error.stack ?? '').split('\n') : [];
  const at = /^file:\/\/.*:(\d+)$/.exec(place)?.[1];
  return `${error.name}: ${error.message.trim()}${at === undefined ? '' : ` (line ${at})`}`;
}
