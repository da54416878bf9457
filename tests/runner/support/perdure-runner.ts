/** `perdure runner` as a person starts it, in a process of its own, without a terminal. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually, uniqueName } from '../../api/support/fixture.ts';
import { MAIN } from '../../support/processes.ts';

export interface Machine {
  /** Of its runner. */
  readonly name: string;
  readonly workdir: string;
  /** Of the command, without what a test adds. */
  readonly args: readonly string[];
}

/** A folder to work in and one for the state, for a runner of a new name. */
export async function machineIn(folder: string, url: string): Promise<Machine> {
  const name = uniqueName('machine');
  await mkdir(join(folder, name));
  const workdir = await realpath(join(folder, name));
  const args = ['runner', '--url', url, '--name', name, '--workdir', workdir];
  return { name, workdir, args: [...args, '--state', join(folder, `${name}-state`)] };
}

export interface PerdureRunner extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
}

/** Resolves when it has registered, or has ended. */
export async function startPerdureRunner(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<PerdureRunner> {
  const child = spawn(process.execPath, [MAIN, ...args, '--json'], {
    env: { ...process.env, ...env },
  });
  let out = '';
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  await eventually(
    async () => out,
    (text) => text.includes('"registered"') || child.exitCode !== null,
  );
  return {
    child,
    out: () => out,
    err: () => err,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
