/** The command line that starts a sandbox: bubblewrap around util-linux's `prlimit` around the program. */
import { statSync } from 'node:fs';
import { PerdureError } from '../../../contracts/perdure-error.ts';
import { isInside } from '../workspace/inside.ts';
import type { SandboxLimits, SandboxSpec } from './spec.ts';
import { nameLookup, processFolder, systemFolders, UNBINDABLE } from './system-folders.ts';

/** Here bubblewrap says how it goes. */
export const STATUS_FD = 3;
/** Here the sandbox says one word from the inside, before the program begins. */
export const BEGIN_FD = 4;
export const STARTED = 'started';
export const MOVED = 'moved';

/** Behind the worker, which has others' answers to stream. */
const NICENESS = 10;
/** The most there is: where memory ends, the kernel ends this and not the worker. */
const OUT_OF_MEMORY_SCORE = 1_000;

/** Any number but root's: programs behave differently for that one. */
const UID = '1000';

const ISOLATION = [
  // Users, processes, IPC, host name, cgroups, network: each a namespace of its own.
  ['--unshare-all', '--unshare-user', '--disable-userns'],
  ['--uid', UID, '--gid', UID, '--hostname', 'sandbox'],
  // The whole sandbox dies with bubblewrap, and bubblewrap with the worker; no terminal to push input into.
  ['--die-with-parent', '--new-session'],
].flat();

const temporary = (folder: string, bytes: number): string[] => [
  ...['--perms', '1777', '--size', String(bytes)],
  ...['--tmpfs', folder],
];

const devices = (bytes: number): string[] => [
  ...['--dev', '/dev'],
  ...temporary('/dev/shm', bytes),
  ...['--remount-ro', '/dev'],
];

/** Empty: a folder but for what is bound again in it. */
function hide({ hidden = [], writable: again = [] }: SandboxSpec): string[] {
  const isFolder = (place: string): boolean => statSync(place).isDirectory();
  const folders = hidden.filter(isFolder);
  return [
    ...folders.flatMap((folder) => ['--tmpfs', folder]),
    ...again.flatMap(writable),
    ...folders.flatMap((folder) => ['--remount-ro', folder]),
    ...hidden
      .filter((place) => !isFolder(place))
      .flatMap((file) => ['--ro-bind', '/dev/null', file]),
  ];
}

const limited = (limits: SandboxLimits): string[] => [
  'prlimit',
  // Not the address space: V8, Go and Java reserve far more than they use.
  `--data=${limits.memoryBytes}`,
  `--nproc=${limits.processes}`,
  `--fsize=${limits.fileBytes}`,
  `--nofile=${limits.openFiles}`,
  '--core=0',
  ...(limits.cpuSeconds === null ? [] : [`--cpu=${limits.cpuSeconds}`]),
  '--',
];

/** @throws {PerdureError} `tool_denied` for a workdir that is or holds a part of the system */
function writable(workdir: string): string[] {
  const part = UNBINDABLE.find((folder) => isInside(workdir, folder));
  if (part !== undefined)
    throw new PerdureError(
      'tool_denied',
      `No program may run in "${workdir}": ${part} would be writable.`,
    );
  return ['--bind', workdir, workdir];
}

function argument(text: string): string {
  if (text.includes('\0'))
    throw new PerdureError('tool_denied', 'A command may not contain the character NUL.');
  return text;
}

const bubblewrap = (spec: SandboxSpec): string[] => [
  ...ISOLATION,
  ...(spec.network ? ['--share-net'] : []),
  ...['--json-status-fd', String(STATUS_FD)],
  ...systemFolders(),
  ...nameLookup(spec.network),
  ...processFolder(),
  ...devices(spec.limits.temporaryBytes),
  ...temporary('/tmp', spec.limits.temporaryBytes),
  ...(spec.readOnly ?? []).flatMap((folder) => ['--ro-bind', folder, folder]),
  ...writable(spec.workdir),
  ...hide(spec),
  // The rest of the root is memory without a limit.
  ...['--remount-ro', '/'],
  ...['--chdir', spec.cwd ?? spec.workdir],
];

/**
 * The first thing in the sandbox. What is bound cannot be swapped any more, so that the workdir is looked at here; and a worker that died
 * before bubblewrap had asked to die with it does not hear that this started, which ends it.
 */
const BEGIN = `[ -z "$2" ] || [ "$(stat -c %d:%i -- "$1")" = "$2" ] || { echo ${MOVED} >&${BEGIN_FD}; exit 1; }
echo ${STARTED} >&${BEGIN_FD} || exit 1
shift 2
exec "$@" ${BEGIN_FD}>&-`;

const beginning = ({ workdir, workdirIdentity: is }: SandboxSpec): string[] => {
  const identity = is ? `${is.dev}:${is.ino}` : '';
  return ['sh', '-c', BEGIN, 'sh', workdir, identity];
};

/** Each program of the chain becomes the next one: what is spawned is bubblewrap itself. */
export const commandLine = (spec: SandboxSpec): string[] => [
  ...['nice', '-n', String(NICENESS)],
  ...['choom', '-n', String(OUT_OF_MEMORY_SCORE), '--'],
  ...['bwrap', ...bubblewrap(spec), '--'],
  ...beginning(spec),
  ...limited(spec.limits),
  ...spec.command.map(argument),
];

const JOIN = `while [ "$1" != -- ]; do echo $$ >"$1" || exit 1; shift; done; shift; exec "$@"`;

/** @param doors of the control group that is joined first */
export const joining = (
  doors: readonly string[],
  line: readonly string[],
): [string, ...string[]] => ['sh', '-c', JOIN, 'sh', ...doors, '--', ...line];
