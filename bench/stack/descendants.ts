/** The processes below one, from /proc: what a session of a program takes is not in the worker's own figures. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';
import { cpuMs } from './processor.ts';

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** Field 4 of /proc/PID/stat, counted after the name in brackets. */
function parentOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

export function descendantsOf(pid: number): number[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  const parents = new Map(all.map((each) => [each, parentOf(each)]));
  const found = [pid];
  for (const parent of found)
    for (const each of all) if (parents.get(each) === parent) found.push(each);
  return found.slice(1);
}

const KIB_PER_MIB = 1_024;

/** Resident, in MiB; shared pages are divided among those who share them. */
export const residentMb = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => {
    const kib = /^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1];
    return sum + Number(kib ?? 0);
  }, 0) / KIB_PER_MIB;

export const cpuMsOf = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => {
    try {
      return sum + cpuMs(pid);
    } catch {
      return sum;
    }
  }, 0);

export const openHandles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;
