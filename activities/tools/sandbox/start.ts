/** Starts a program in a sandbox, watches over it, and ends it with everything that it started. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { makeControlGroup } from './control-group.ts';
import type { ControlGroup } from './control-group.ts';
import { BEGIN_FD, commandLine, joining, MOVED, STARTED, STATUS_FD } from './command-line.ts';
import { footprintBelow, proportionalBytes } from './footprint.ts';
import { covered } from './inherited.ts';
import type { SandboxLimits, SandboxSpec } from './spec.ts';

/** A fork bomb makes a few thousand processes in this time, where the kernel does not stop it. */
const WATCH_MS = 200;

/** `asked`: by {@link SandboxedProcess.kill}. `outside`: not by us, such as the kernel out of memory. */
export type KillReason = 'asked' | 'processes' | 'memory' | 'outside';

export type SandboxEnd =
  /** By itself; 128 + n after signal n. `outOfMemory`: the kernel ended some of its processes. */
  | { readonly how: 'exited'; readonly code: number; readonly outOfMemory: boolean }
  | { readonly how: 'killed'; readonly why: KillReason }
  /** The workdir was another folder than the one that was meant; nothing ran. */
  | { readonly how: 'moved' }
  /** There is no sandbox to be had, or its folders are gone; `stderr` says why. */
  | { readonly how: 'not-started' };

/** In, out, errors, {@link STATUS_FD}, {@link BEGIN_FD}. */
const PIPES = ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'] as const;

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
  /** The sandbox's first process, which leads the program's group, and the namespace of its processes. */
  init?: number;
  namespace?: number;
  exitCode?: number;
  /** What the sandbox said from the inside. */
  begun?: string;
  /** The first reason counts. */
  killedFor?: KillReason;
}

/** Bubblewrap's, a line each. */
interface Status {
  readonly 'child-pid'?: number;
  readonly 'pid-namespace'?: number;
  readonly 'exit-code'?: number;
}

/** One that was killed did not finish its sentence. */
function statusOf(line: string): Status {
  try {
    return JSON.parse(line) as Status;
  } catch {
    return {};
  }
}

function learn(state: State, line: string): void {
  const status = statusOf(line);
  if (status['child-pid'] !== undefined) state.init = status['child-pid'];
  if (status['pid-namespace'] !== undefined) state.namespace = status['pid-namespace'];
  if (status['exit-code'] !== undefined) state.exitCode = status['exit-code'];
}

const isOver = ({ pid, exitCode, signalCode }: ChildProcess): boolean =>
  pid === undefined || exitCode !== null || signalCode !== null;

function signalGroup(leader: number, name: NodeJS.Signals): void {
  try {
    process.kill(-leader, name);
  } catch {
    // It has just ended.
  }
}

function kill(child: ChildProcess, state: State, reason: KillReason): void {
  if (isOver(child)) return;
  state.killedFor ??= reason;
  signalGroup(child.pid as number, 'SIGKILL');
}

/** Bubblewrap's child leaves the group a moment before it asks to die with bubblewrap. */
function killOrphan({ init, namespace }: State): void {
  if (init === undefined) return;
  try {
    // A number may belong to another process by now.
    if (readlinkSync(`/proc/${init}/ns/pid_for_children`) !== `pid:[${namespace}]`) return;
    process.kill(init, 'SIGKILL');
  } catch {
    // It is gone, as it should be.
  }
}

/** The first process itself ignores all but SIGKILL, as the first one of any process namespace does. */
function signal(child: ChildProcess, { init }: State, name: NodeJS.Signals): void {
  if (init !== undefined && !isOver(child)) signalGroup(init, name);
}

function excess(pid: number, limits: SandboxLimits): KillReason | undefined {
  // One more than the program's: the sandbox's first process.
  const most = limits.processes + 1;
  const { processes, bytes, pids } = footprintBelow(pid, most);
  if (processes > most) return 'processes';
  if (bytes <= limits.memoryBytes) return undefined;
  return proportionalBytes(pids) > limits.memoryBytes ? 'memory' : undefined;
}

function endOf(state: State, code: number | null, outOfMemory: boolean): SandboxEnd {
  if (state.begun === MOVED) return { how: 'moved' };
  if (state.killedFor) return { how: 'killed', why: state.killedFor };
  if (state.exitCode !== undefined && state.begun === STARTED)
    return { how: 'exited', code: state.exitCode, outOfMemory };
  if (code !== null) return { how: 'not-started' };
  return { how: 'killed', why: outOfMemory ? 'memory' : 'outside' };
}

/** A pipe that breaks is its reader's affair, not a crash of the worker. */
function forgive(streams: readonly (Readable | Writable | null | undefined)[]): void {
  for (const stream of streams) stream?.on('error', () => undefined);
}

interface Watched {
  readonly limits: SandboxLimits;
  readonly group: ControlGroup | undefined;
  readonly state: State;
}

function follow(child: ChildProcess, { limits, group, state }: Watched): Promise<SandboxEnd> {
  forgive(child.stdio);
  createInterface({ input: child.stdio[STATUS_FD] as Readable }).on('line', (line) => {
    learn(state, line);
    if (isOver(child)) killOrphan(state);
  });
  child.stdio[BEGIN_FD]?.once('data', (word: Buffer) => (state.begun = word.toString().trim()));
  child.once('exit', () => killOrphan(state));
  const watch = setInterval(() => {
    const reason = isOver(child) ? undefined : excess(child.pid as number, limits);
    if (reason) kill(child, state, reason);
  }, WATCH_MS);
  return new Promise<SandboxEnd>((resolve) => {
    child.once('close', (code) => resolve(endOf(state, code, group?.outOfMemory() === true)));
    child.once('error', () => resolve({ how: 'not-started' }));
  }).finally(() => {
    clearInterval(watch);
    void group?.remove();
  });
}

/**
 * @throws {PerdureError} `tool_denied` for a workdir that no sandbox may write, and for NUL in the command. Call `requireSandbox` first, which says how to get one;
 * `ended` and `stderr` tell why this one did not start.
 */
export function startSandboxed(spec: SandboxSpec): SandboxedProcess {
  const line = commandLine(spec);
  const group = makeControlGroup(spec.limits);
  const [program, ...args] = joining(group?.doors ?? [], line);
  const child = spawn(program, args, {
    // Never in arguments, which every user of the machine can read.
    env: { ...spec.environment },
    cwd: '/',
    // A group of its own: killed alone in its first milliseconds, bubblewrap leaves a child behind (seen).
    detached: true,
    stdio: [...PIPES, ...covered(PIPES.length)],
  });
  const state: State = {};
  const ended = follow(child, { limits: spec.limits, group, state });
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
