/**
 * The kernel's own limit of processes for a worker that is root: `prlimit --nproc` does not bind root, whatever the namespaces (setrlimit(2)),
 * and a fork bomb leaves a watching worker no processor time to end it (tried: 25 s). Others have no control groups, and need none.
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SandboxLimits } from './spec.ts';

const PREFIX = 'perdure-sandbox-';

/** Bubblewrap outside and inside. */
const OWN_PROCESSES = 2;
/** Above what `footprint.ts` allows: that one says why it ends everything, this one is for what grows too fast for it. */
const MEMORY_SLACK = 1.25;

/** How long the dying may take. */
const REMOVAL_TRIES = 40;
const REMOVAL_WAIT_MS = 50;

export interface ControlGroup {
  /** Files that take the id of a process which joins. */
  readonly doors: readonly string[];
  /** Whether the kernel ended one of them for want of memory. */
  outOfMemory(): boolean;
  /** Once its processes are gone. */
  remove(): Promise<void>;
}

interface Controller {
  readonly parent: string;
  /** Name of a limit's file, and what it says. */
  limits(limits: SandboxLimits): readonly (readonly [file: string, value: number])[];
  readonly memoryEvents?: string;
}

const processes = ({ processes: most }: SandboxLimits): number => most + OWN_PROCESSES;
const bytes = ({ memoryBytes }: SandboxLimits): number => Math.floor(memoryBytes * MEMORY_SLACK);

/** Where controllers are mounted (proc_pid_mountinfo(5)): in version 1 each at a place of its own. */
function controllers(): readonly Controller[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const place = (type: string, option: string): string | undefined => {
    const line = mounts.find((each) => {
      const [kind, , options = ''] = each.split(' - ')[1]?.split(' ') ?? [];
      return kind === type && (option === '' || options.split(',').includes(option));
    });
    return line?.split(' ')[4];
  };
  const pids = place('cgroup', 'pids');
  const memory = place('cgroup', 'memory');
  const both = place('cgroup2', '');
  if (pids !== undefined)
    return [
      { parent: pids, limits: (all) => [['pids.max', processes(all)]] },
      ...(memory === undefined ? [] : [memoryOnly(memory)]),
    ];
  return both === undefined ? [] : [unified(both)];
}

const memoryOnly = (parent: string): Controller => ({
  parent,
  limits: (all) => [['memory.limit_in_bytes', bytes(all)]],
  memoryEvents: 'memory.oom_control',
});

const unified = (parent: string): Controller => ({
  parent,
  limits: (all) => [
    ['pids.max', processes(all)],
    ['memory.max', bytes(all)],
    ['memory.oom.group', 1],
  ],
  memoryEvents: 'memory.events',
});

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

function end(folder: string): void {
  const pids = readFileSync(path.join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean);
  for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
  rmdirSync(folder);
}

/** What workers left that were killed. */
function sweep(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(PREFIX) || !isGone(Number(name.split('-')[2]))) continue;
    try {
      end(path.join(parent, name));
    } catch {
      // Not empty yet, or another worker was faster: the next start will see.
    }
  }
}

let made = 0;

function make(controller: Controller, name: string, limits: SandboxLimits): string {
  sweep(controller.parent);
  const folder = path.join(controller.parent, name);
  mkdirSync(folder);
  try {
    for (const [file, value] of controller.limits(limits))
      writeFileSync(path.join(folder, file), String(value), { flag: 'r+' });
    return folder;
  } catch (error) {
    rmdirSync(folder);
    throw error;
  }
}

async function remove(folder: string): Promise<void> {
  for (let tries = 1; tries <= REMOVAL_TRIES; tries += 1) {
    try {
      rmdirSync(folder);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') return;
      await sleep(REMOVAL_WAIT_MS, undefined, { ref: false });
    }
  }
}

function ranOut(file: string): boolean {
  try {
    return /^oom_kill [1-9]/m.test(readFileSync(file, 'utf8'));
  } catch {
    return false;
  }
}

/** @returns undefined where this process may make none */
export function makeControlGroup(limits: SandboxLimits): ControlGroup | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const folders: string[] = [];
  const events: string[] = [];
  made += 1;
  const name = `${PREFIX}${process.pid}-${made}`;
  try {
    for (const controller of controllers()) {
      const folder = make(controller, name, limits);
      folders.push(folder);
      if (controller.memoryEvents) events.push(path.join(folder, controller.memoryEvents));
    }
  } catch {
    for (const folder of folders) rmdirSync(folder);
    return undefined;
  }
  if (folders.length === 0) return undefined;
  return {
    doors: folders.map((folder) => path.join(folder, 'cgroup.procs')),
    outOfMemory: () => events.some(ranOut),
    remove: async () => void (await Promise.all(folders.map(remove))),
  };
}
