/** Runs a script in a real sandbox and tells what came of it. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import {
  DEFAULT_SANDBOX_LIMITS,
  sandboxEnvironment,
} from '../../../activities/tools/sandbox/spec.ts';
import type { SandboxLimits, SandboxSpec } from '../../../activities/tools/sandbox/spec.ts';
import { startSandboxed } from '../../../activities/tools/sandbox/start.ts';
import type { SandboxedProcess, SandboxEnd } from '../../../activities/tools/sandbox/start.ts';

interface Ran {
  readonly out: string;
  readonly err: string;
  readonly end: SandboxEnd;
}

type Asked = Omit<Partial<SandboxSpec>, 'limits'> & { readonly limits?: Partial<SandboxLimits> };

export interface Workdir extends AsyncDisposable {
  /** Beside it: what lies there is outside. */
  readonly root: string;
  readonly workdir: string;
  start(script: string, asked?: Asked): SandboxedProcess;
  run(script: string, asked?: Asked): Promise<Ran>;
}

export async function openWorkdir(): Promise<Workdir> {
  const root = await realpath(await mkdtemp(path.join(tmpdir(), 'perdure-sandboxed-')));
  const workdir = await mkdtemp(path.join(root, 'work-'));
  const start = (script: string, asked: Asked = {}): SandboxedProcess =>
    startSandboxed({
      command: ['bash', '-c', script],
      workdir,
      environment: sandboxEnvironment(),
      network: false,
      ...asked,
      limits: { ...DEFAULT_SANDBOX_LIMITS, ...asked.limits },
    });
  return {
    root,
    workdir,
    start,
    async run(script, asked) {
      await using sandbox = start(script, asked);
      sandbox.stdin.end();
      const { stdout, stderr, ended } = sandbox;
      const [out, err, end] = await Promise.all([text(stdout), text(stderr), ended]);
      return { out, err, end };
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}
