/**
 * Names a process of this machine so that another one can tell whether it is gone. A worker that Temporal has given up may only stand
 * still (SIGSTOP, a frozen container, a long pause): until it is known to be gone, what it was doing may still happen.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { SOMEBODY } from '../../journal/port.ts';

interface Named {
  /** The boot of the machine and the namespace in which the number counts: elsewhere it says nothing. */
  readonly where: string;
  readonly pid: number;
  /** Numbers are given again. */
  readonly startedAt: string;
}

/** proc(5): fields 3 (state) and 22 (starttime), counted after the name, which may hold spaces and parentheses. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // Dead, and not yet collected by its parent.
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function whereAmI(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return undefined;
  }
}

/** One line. */
export function nameOfThisProcess(): string {
  const where = whereAmI();
  const startedAt = startOf(process.pid);
  if (where === undefined || startedAt === undefined) return SOMEBODY;
  return JSON.stringify({ where, pid: process.pid, startedAt } satisfies Named);
}

/** True only where it is certain: of a process on this machine that is there no more. */
export function isGone(holder: string): boolean {
  if (holder === SOMEBODY) return false;
  const { where, pid, startedAt } = JSON.parse(holder) as Named;
  return where === whereAmI() && startOf(pid) !== startedAt;
}
