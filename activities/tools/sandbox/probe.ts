/** Whether this machine can have sandboxes: found out by really starting one. Also loaded by `perdure doctor`. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { PerdureError } from '../../../contracts/perdure-error.ts';
import { makeControlGroup } from './control-group.ts';
import { DEFAULT_SANDBOX_LIMITS, sandboxEnvironment } from './spec.ts';
import { startSandboxed } from './start.ts';

export interface SandboxProblem {
  readonly reason: string;
  /** What a person may do. */
  readonly mend: string;
}

const REASON_CHARACTERS = 300;

const PAGE = 'docs/built-in-tools.md, "Getting a sandbox"';

const MISSING = /No such file|not found|unknown option/i;
const REFUSED = /namespace|uid map|mount|not permitted|permission/i;

/** What keeps namespaces from a program that may have them elsewhere. */
export interface Surroundings {
  /** Ubuntu from 23.10: AppArmor lets a program have user namespaces where a profile says so. */
  readonly restricted: boolean;
  readonly container: boolean;
}

/** What a person may do about what bubblewrap said. Pure. */
export function mendFor(reason: string, { restricted, container }: Surroundings): string {
  if (MISSING.test(reason))
    return 'Install bubblewrap 0.8 or later and util-linux (Debian, Ubuntu: apt-get install bubblewrap util-linux).';
  if (!REFUSED.test(reason)) return `${PAGE}, says what it needs.`;
  if (container)
    return `The worker is in a container that may have no user namespaces: ${PAGE}, for Docker and Kubernetes.`;
  if (restricted)
    return `AppArmor keeps user namespaces from bubblewrap on this machine (kernel.apparmor_restrict_unprivileged_userns is 1): load a profile for it, ${PAGE}, for Ubuntu 24.04.`;
  return `Allow user namespaces: ${PAGE}, for Ubuntu 24.04, Docker and Kubernetes.`;
}

const RESTRICTION = '/proc/sys/kernel/apparmor_restrict_unprivileged_userns';
/** Left there by Docker, Podman and Kubernetes. */
const CONTAINER_MARKS = [
  '/.dockerenv',
  '/run/.containerenv',
  '/var/run/secrets/kubernetes.io/serviceaccount',
];

const surroundings = (): Surroundings => ({
  restricted: existsSync(RESTRICTION) && readFileSync(RESTRICTION, 'utf8').trim() === '1',
  container: CONTAINER_MARKS.some((mark) => existsSync(mark)),
});

function rootWithoutLimit(): SandboxProblem | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const group = makeControlGroup(DEFAULT_SANDBOX_LIMITS);
  void group?.remove();
  if (group) return undefined;
  return {
    reason:
      'the worker is root and may make no control groups, so that nothing limits its processes',
    mend: 'Run the worker as another user.',
  };
}

async function startOne(): Promise<SandboxProblem | undefined> {
  if (process.platform !== 'linux')
    return {
      reason: `there are no sandboxes on ${process.platform}`,
      mend: 'Run the worker on Linux, where bubblewrap is.',
    };
  const unlimited = rootWithoutLimit();
  if (unlimited) return unlimited;
  const workdir = await mkdtemp(path.join(tmpdir(), 'perdure-sandbox-'));
  try {
    await using sandbox = startSandboxed({
      command: ['true'],
      workdir,
      environment: sandboxEnvironment(),
      network: false,
      limits: DEFAULT_SANDBOX_LIMITS,
    });
    sandbox.stdout.resume();
    const [said, end] = await Promise.all([text(sandbox.stderr), sandbox.ended]);
    if (end.how === 'exited' && end.code === 0) return undefined;
    const reason = said.trim().slice(0, REASON_CHARACTERS) || 'bubblewrap did not start';
    return { reason, mend: mendFor(reason, surroundings()) };
  } finally {
    await rm(workdir, { recursive: true, force: true });
  }
}

/** Only good news is remembered: what is missing may be installed meanwhile. */
let works = false;

/** @returns undefined where sandboxes can be had */
export async function sandboxProblem(): Promise<SandboxProblem | undefined> {
  if (works) return undefined;
  const problem = await startOne();
  works = problem === undefined;
  return problem;
}

/** @throws {PerdureError} `tool_denied`, which says how to get one */
export async function requireSandbox(): Promise<void> {
  const problem = await sandboxProblem();
  if (problem)
    throw new PerdureError(
      'tool_denied',
      `No program runs without a sandbox, and this worker has none: ${problem.reason}. ${problem.mend}`,
    );
}
