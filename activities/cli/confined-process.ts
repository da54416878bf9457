/** A process in the sandbox of tools: it dies with the worker, and nothing of it is left when it has ended. */
import { DEFAULT_SANDBOX_LIMITS } from '../tools/sandbox/spec.ts';
import type { SandboxSpec } from '../tools/sandbox/spec.ts';
import { startSandboxed } from '../tools/sandbox/start.ts';
import type { KillReason, SandboxEnd } from '../tools/sandbox/start.ts';
import { exitListeners } from './process.ts';
import type { Exit, Launch, RunningProcess } from './process.ts';

export interface Confinement extends Pick<
  SandboxSpec,
  'workdir' | 'readOnly' | 'writable' | 'hidden' | 'network'
> {}

const WHY: Readonly<Record<KillReason, string>> = {
  asked: 'it was ended',
  processes: 'it started too many processes',
  memory: 'it took too much memory',
  outside: 'it was killed from outside',
};

const exitOf = (end: SandboxEnd): Exit => {
  if (end.how === 'exited') return { code: end.code };
  if (end.how === 'killed') return { code: null, why: WHY[end.why] };
  return { code: null, why: 'its sandbox could not be started' };
};

/** A program that waits for a person all day uses more processor time than a command may. */
const LIMITS = { ...DEFAULT_SANDBOX_LIMITS, cpuSeconds: null };

export function startConfined(launch: Launch, confinement: Confinement): RunningProcess {
  const sandboxed = startSandboxed({ ...confinement, ...launch, limits: LIMITS });
  const exited = sandboxed.ended.then(exitOf);
  return {
    stdin: sandboxed.stdin,
    stdout: sandboxed.stdout,
    stderr: sandboxed.stderr,
    exited,
    onExit: exitListeners(exited),
    interrupt: () => sandboxed.signal('SIGINT'),
    kill: async () => {
      sandboxed.kill();
      sandboxed.stdout.resume();
      sandboxed.stderr.resume();
      await exited;
    },
  };
}
