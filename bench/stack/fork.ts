import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Forked extends AsyncDisposable {
  readonly pid: number;
  readonly process: ChildProcess;
}

export interface ForkOptions {
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Both streams of the process go there. */
  readonly logFile: string;
  readonly execArgv?: readonly string[];
}

const STOP_TIMEOUT_MS = 30_000;

/** A Node process of ours with a message channel; it ends with this one. `file` is relative to bench/stack/. */
export function forkProcess(file: string, options: ForkOptions): Forked {
  const log = openSync(options.logFile, 'a');
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [...options.args], {
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...process.env, ...options.env },
    execArgv: [...(options.execArgv ?? [])],
  });
  closeSync(log);
  const pid = child.pid ?? 0;
  return { pid, process: child, [Symbol.asyncDispose]: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(late);
}

/** The first message for which `pick` answers something; fails when the process ends before. */
export function firstMessage<T>(
  forked: Forked,
  pick: (message: unknown) => T | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown) => {
      const picked = pick(message);
      if (picked === undefined) return;
      forked.process.off('message', onMessage);
      forked.process.off('exit', onExit);
      resolve(picked);
    };
    const onExit = (code: number | null) =>
      reject(new Error(`process ${forked.pid} ended with ${code}`));
    forked.process.on('message', onMessage);
    forked.process.once('exit', onExit);
  });
}
