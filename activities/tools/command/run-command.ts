/** `run_command`: a shell command in a sandbox, on the session's workspace. */
import { stat } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { PerdureError } from '../../../contracts/perdure-error.ts';
import { requireSandbox } from '../sandbox/probe.ts';
import { startSandboxed } from '../sandbox/start.ts';
import type { SandboxedProcess, SandboxEnd } from '../sandbox/start.ts';
import type { SandboxLimits, SandboxSpec } from '../sandbox/spec.ts';
import { locate, unmoved, withFolder } from '../workspace/confinement.ts';
import { dataFolderNames } from '../workspace/data-folder-names.ts';
import type { WorkspaceRun } from '../workspace/run.ts';
import { KeptOutput } from './kept-output.ts';
import type { CommandInput } from './preview-command.ts';

/** Beyond that it is no output but a flood. */
export const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** A reader of the result is told of the last words of whoever was in the way. */
const REASON_CHARACTERS = 500;

/** Whoever watches sees the last words, not all of them: those come with the result. */
const PROGRESS_BYTES = 400;
const PROGRESS_MS = 1_000;

export interface CommandSettings {
  /** Perdure's data folder, which no command sees. */
  readonly home: string;
  readonly network: boolean;
  readonly readOnly: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: SandboxLimits;
  /** Of a command that does not say; and the most it may say. */
  readonly defaultMs: number;
  readonly maxMs: number;
}

/** Whichever shell there is, with what it says on either output in the order that it says it. */
const SHELL = `exec "$(command -v bash || command -v sh)" -c -- "$1" 2>&1`;

async function specOf(run: WorkspaceRun, settings: CommandSettings): Promise<SandboxSpec> {
  const { command, path: folder = '.' } = run.input as CommandInput;
  const workspace = await unmoved(run);
  const workdir = workspace.absolute;
  const cwd = await locate(run, folder);
  return {
    command: ['sh', '-c', SHELL, 'sh', command],
    workdir,
    workdirIdentity: await withFolder(workspace, (itself) => stat(itself, { bigint: true })),
    cwd: await withFolder(cwd, async () => cwd.absolute),
    hidden: await dataFolderNames(workdir, settings.home),
    readOnly: settings.readOnly,
    environment: settings.environment,
    network: settings.network,
    limits: settings.limits,
  };
}

type Stopped = 'time' | 'flood';

const MIB = 1024 * 1024;

/** One line about how it ended; its outcome is `completed` whatever the program did, since the model is to read what it said. */
function verdict(
  end: SandboxEnd,
  stopped: Stopped | undefined,
  { seconds, limits }: { seconds: number; limits: SandboxLimits },
): string {
  if (stopped === 'time') return `[ended after ${seconds} s, its time limit]`;
  if (stopped === 'flood') return `[ended: it wrote more than ${MAX_OUTPUT_BYTES / MIB} MiB]`;
  const memory = `more than ${limits.memoryBytes / MIB} MiB of memory`;
  if (end.how === 'exited')
    return end.outOfMemory
      ? `[exit code ${end.code}; some of its processes were ended: together they took ${memory}]`
      : `[exit code ${end.code}]`;
  if (end.how === 'killed' && end.why === 'memory') return `[ended: it took ${memory}]`;
  if (end.how === 'killed' && end.why === 'processes')
    return `[ended: it had more than ${limits.processes} processes]`;
  return '[ended from outside]';
}

/** @throws {PerdureError} where nothing ran at all */
function checkStarted(end: SandboxEnd, said: string): void {
  if (end.how === 'moved')
    throw new PerdureError('tool_denied', 'The workspace is not the folder any more that it was.');
  if (end.how === 'not-started')
    throw new PerdureError(
      'tool_denied',
      `The sandbox did not start: ${said.trim().slice(-REASON_CHARACTERS) || 'it does not say why'}`,
    );
}

interface Watched {
  readonly output: KeptOutput;
  readonly stopped: () => Stopped | undefined;
  readonly stopWatching: () => void;
}

function watch(sandbox: SandboxedProcess, run: WorkspaceRun, limitMs: number): Watched {
  const output = new KeptOutput();
  let stopped: Stopped | undefined;
  const stop = (why: Stopped): void => {
    stopped ??= why;
    sandbox.kill();
  };
  sandbox.stdout.on('data', (chunk: Buffer) => {
    output.push(chunk);
    if (output.bytes > MAX_OUTPUT_BYTES) stop('flood');
  });
  const timer = setTimeout(() => stop('time'), limitMs);
  let told = 0;
  const telling = setInterval(() => {
    if (output.bytes > told) run.progress(output.last(PROGRESS_BYTES).trim());
    told = output.bytes;
  }, PROGRESS_MS);
  const onAbort = (): void => sandbox.kill();
  run.signal.addEventListener('abort', onAbort, { once: true });
  return {
    output,
    stopped: () => stopped,
    stopWatching() {
      clearTimeout(timer);
      clearInterval(telling);
      run.signal.removeEventListener('abort', onAbort);
    },
  };
}

/** @returns what it said and how it ended, for the model */
export async function runCommand(run: WorkspaceRun, settings: CommandSettings): Promise<string> {
  await requireSandbox();
  const { timeoutSeconds } = run.input as CommandInput;
  const { defaultMs, maxMs, limits } = settings;
  const limitMs = Math.min(timeoutSeconds ? timeoutSeconds * 1_000 : defaultMs, maxMs);
  const spec = await specOf(run, settings);
  run.signal.throwIfAborted();
  await using sandbox = startSandboxed(spec);
  sandbox.stdin.end();
  const { output, stopped, stopWatching } = watch(sandbox, run, limitMs);
  try {
    const [said, end] = await Promise.all([text(sandbox.stderr), sandbox.ended]);
    run.signal.throwIfAborted();
    checkStarted(end, said);
    const shown = output.text().trimEnd();
    const last = verdict(end, stopped(), { seconds: limitMs / 1_000, limits });
    return shown ? `${shown}\n${last}` : last;
  } finally {
    stopWatching();
  }
}
