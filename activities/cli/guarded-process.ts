/**
 * A process without a sandbox that dies with the worker, whatever ends it: between the two stands a shell with one line back to the
 * worker. When that line breaks (kill -9 of the worker too) it kills its whole process group. What leaves the group (a daemon) is out of reach:
 * only a sandbox ends that.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Writable } from 'node:stream';
import { exitListeners } from './process.ts';
import type { Exit, Launch, RunningProcess } from './process.ts';

/**
 * The program runs in the foreground: what a shell puts into the background ignores SIGINT. The watcher behind it reads the line: a line of
 * text interrupts the program, its end kills the group, the watcher among it.
 */
const GUARD = [
  'trap : INT',
  '( while read -r _ <&3; do kill -INT 0; done; kill -KILL 0 ) </dev/null >/dev/null 2>&1 &',
  '"$@" 3<&-',
].join('\n');

/** Output that is still in the pipe when the process has ended; a daemon that it left behind may keep the pipe open for ever. */
const DRAIN_MS = 500;
/** Of a shell that was killed: 128 + SIGKILL. */
const KILLED = 137;

export function startGuarded({ command, cwd, environment }: Launch): RunningProcess {
  const child = spawn('/bin/sh', ['-c', GUARD, 'guard', ...command], {
    cwd,
    env: { ...environment },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    // A process group of its own, which the guard can kill without the worker.
    detached: true,
  });
  const line = child.stdio[3] as Writable;
  // A program that has gone takes no more input: its end is told by `exited`.
  for (const stream of [child.stdin, line]) stream.on('error', () => undefined);
  const exited = exitOf(child, line);
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    onExit: exitListeners(exited),
    interrupt: () => void line.write('interrupt\n'),
    kill: async () => {
      line.destroy();
      killGroup(child);
      await exited;
    },
  };
}

/** For a guard that was killed before it could do it. */
function killGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has gone in the meantime.
  }
}

async function exitOf(child: ChildProcess, line: Writable): Promise<Exit> {
  const exit = await new Promise<Exit>((resolve) => {
    child.once('error', ({ message }) => resolve({ code: null, why: message }));
    child.once('exit', (code) => resolve({ code: code ?? KILLED }));
  });
  // Whatever of its group is still there ends with the line.
  line.destroy();
  await drained(child);
  return exit;
}

async function drained(child: ChildProcess): Promise<void> {
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, DRAIN_MS);
  await Promise.race([closed, late.promise]);
  clearTimeout(timer);
  for (const stream of child.stdio) stream?.destroy();
}
