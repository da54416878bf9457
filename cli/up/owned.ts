/**
 * Which processes this data folder owns. A supervisor that was killed leaves its children behind; the next one ends them, and to be
 * sure that a number was not given to somebody else's process meanwhile, it compares the moment at which the process started.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { signal } from '../../servers/child.ts';

interface Owned {
  readonly pid: number;
  /** As the system tells it; compared, never read. */
  readonly startedAt: string;
}

/** Notes a child in the data folder. */
export function remember(file: string, pid: number): void {
  const startedAt = startOf(pid);
  if (startedAt === undefined) return;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, JSON.stringify({ pid, startedAt } satisfies Owned));
}

export const forget = (file: string): void => rmSync(file, { force: true });

const POLL_MS = 50;

export interface Ending {
  /** How long it may take after SIGTERM before it is killed. */
  readonly withinMs: number;
  /** Told once, when there is something to end. */
  readonly onFound?: ((pid: number) => void) | undefined;
}

/** Ends the process that an earlier start left behind; does nothing where it is gone or its number is somebody else's now. */
export async function endOrphan(file: string, ending: Ending): Promise<void> {
  const owned = read(file);
  const isThere = (): boolean => owned !== undefined && startOf(owned.pid) === owned.startedAt;
  if (owned && isThere()) {
    ending.onFound?.(owned.pid);
    signal(owned.pid, 'SIGTERM');
    const deadline = Date.now() + ending.withinMs;
    while (isThere() && Date.now() < deadline) await sleep(POLL_MS);
    if (isThere()) signal(owned.pid, 'SIGKILL');
    while (isThere()) await sleep(POLL_MS);
  }
  forget(file);
}

function read(file: string): Owned | undefined {
  try {
    const { pid, startedAt } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Owned>;
    return typeof pid === 'number' && typeof startedAt === 'string'
      ? { pid, startedAt }
      : undefined;
  } catch {
    return undefined;
  }
}

/** When a process started, in the system's own words; undefined where there is no such process (or only its remains). */
export function startOf(pid: number): string | undefined {
  if (!signal(pid, 0)) return undefined;
  try {
    return process.platform === 'linux' ? startOnLinux(pid) : startByPs(pid);
  } catch {
    return undefined;
  }
}

/** proc(5): fields 3 (state) and 22 (starttime), counted after the name, which may hold spaces and parentheses. */
function startOnLinux(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? undefined : fields[19];
}

const startByPs = (pid: number): string | undefined =>
  execFileSync('ps', ['-o', 'lstart=', '-p', `${pid}`], { encoding: 'utf8' }).trim() || undefined;
