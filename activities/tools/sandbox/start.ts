/** Starts a program in a sandbox, watches over it, and ends it with everything that it started. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { commandLine, MOVED_FD, STATUS_FD } from './command-line.ts';
import { footprintBelow, proportionalBytes } from './footprint.ts';
import type { SandboxLimits, SandboxSpec } from './spec.ts';

/** A fork bomb makes a few thousand processes in this time, where the kernel does not stop it. */
const WATCH_MS = 200;

/** `asked`: by {@link SandboxedProcess.kill}. `outside`: not by us, such as the kernel out of memory. */
export type KillReason = 'asked' | 'processes' | 'memory' | 'outside';

export type SandboxEnd =
  /** By itself; 128 + n after signal n. */
  | { readonly how: 'exited'; readonly code: number }
  | { readonly how: 'killed'; readonly why: KillReason }
  /** The workdir was another folder than the one that was meant; nothing ran. */
  | { readonly how: 'moved' }
  /** There is no sandbox to be had, or its folders are gone; `stderr` says why. */
  | { readonly how: 'not-started' };

export interface SandboxedProcess extends AsyncDisposable {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Also what bubblewrap has to say. */
  readonly stderr: Readable;
  /** When it is over and both streams are read to their ends; never rejects. */
  readonly ended: Promise<SandboxEnd>;
  /** To the program and its group, as Ctrl-C would; nothing once it has ended. */
  signal(name: NodeJS.Signals): void;
  /** Everything in it, at once; daemons too. */
  kill(): void;
}

/** What is known of one that runs. */
interface State {
  /** The sandbox's first process, which leads the program's group. */
  init?: number;
  exitCode?: number;
  moved?: true;
  /** The first reason counts. */
  killedFor?: KillReason;
}

/** Bubblewrap's, a line each. */
interface Status {
  readonly 'child-pid'?: number;
  readonly 'exit-code'?: number;
}

function learn(state: State, line: string): void {
  const { 'child-pid': init, 'exit-code': exitCode } = JSON.parse(line) as Status;
  if (init !== undefined) state.init = init;
  if (exitCode !== undefined) state.exitCode = exitCode;
}

const isOver = ({ pid, exitCode, signalCode }: ChildProcess): boolean =>
  pid === undefined || exitCode !== null || signalCode !== null;

function kill(child: ChildProcess, state: State, reason: KillReason): void {
  if (isOver(child)) return;
  state.killedFor ??= reason;
  child.kill('SIGKILL');
}

function signal(child: ChildProcess, { init }: State, name: NodeJS.Signals): void {
  if (init === undefined || isOver(child)) return;
  try {
    // The first process itself ignores all but SIGKILL, as the first one of any process namespace does.
    process.kill(-init, name);
  } catch {
    // It has just ended.
  }
}

function excess(pid: number, limits: SandboxLimits): KillReason | undefined {
  // One more than the program's: the sandbox's first process.
  const most = limits.processes + 1;
  const { processes, bytes, pids } = footprintBelow(pid, most);
  if (processes > most) return 'processes';
  if (bytes <= limits.memoryBytes) return undefined;
  return proportionalBytes(pids) > limits.memoryBytes ? 'memory' : undefined;
}

function endOf(state: State, code: number | null): SandboxEnd {
  if (state.moved) return { how: 'moved' };
  if (state.killedFor) return { how: 'killed', why: state.killedFor };
  if (state.exitCode !== undefined) return { how: 'exited', code: state.exitCode };
  return code === null ? { how: 'killed', why: 'outside' } : { how: 'not-started' };
}

/** A pipe that breaks is its reader's affair, not a crash of the worker. */
function forgive(streams: readonly (Readable | Writable | null | undefined)[]): void {
  for (const stream of streams) stream?.on('error', () => undefined);
}

function follow(child: ChildProcess, { limits }: SandboxSpec, state: State): Promise<SandboxEnd> {
  forgive(child.stdio);
  createInterface({ input: child.stdio[STATUS_FD] as Readable }).on('line', (line) =>
    learn(state, line),
  );
  child.stdio[MOVED_FD]?.once('data', () => (state.moved = true));
  const watch = setInterval(() => {
    const reason = isOver(child) ? undefined : excess(child.pid as number, limits);
    if (reason) kill(child, state, reason);
  }, WATCH_MS);
  return new Promise<SandboxEnd>((resolve) => {
    child.once('close', (code) => resolve(endOf(state, code)));
    child.once('error', () => resolve({ how: 'not-started' }));
  }).finally(() => clearInterval(watch));
}

/**
 * @throws {PerdureError} `tool_denied` for a workdir that no sandbox may write. Call `requireSandbox` first, which says how to get one;
 * `ended` and `stderr` tell why this one did not start.
 */
export function startSandboxed(spec: SandboxSpec): SandboxedProcess {
  const [program, ...args] = commandLine(spec);
  const child = spawn(program, args, {
    // Never in arguments, which every user of the machine can read.
    env: { ...spec.environment },
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
  });
  const state: State = {};
  const ended = follow(child, spec, state);
  const { stdin, stdout, stderr } = child as ChildProcess & {
    stdin: Writable;
    stdout: Readable;
    stderr: Readable;
  };
  return {
    stdin,
    stdout,
    stderr,
    ended,
    signal: (name) => signal(child, state, name),
    kill: () => kill(child, state, 'asked'),
    async [Symbol.asyncDispose]() {
      kill(child, state, 'asked');
      stdout.resume();
      stderr.resume();
      await ended;
    },
  };
}
