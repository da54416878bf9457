/** What a sandbox is asked for. docs/tools.md says what each part does and does not do. */

export interface SandboxLimits {
  /** Of one process its private writable memory (it gets no more); of all together what is resident (all are killed). */
  readonly memoryBytes: number;
  /** Processes and threads together; the kernel refuses more. */
  readonly processes: number;
  /** Largest file that one of them may write. */
  readonly fileBytes: number;
  /** Processor time of one process; null is unlimited. */
  readonly cpuSeconds: number | null;
  /** Open files of one process. */
  readonly openFiles: number;
  /** Of /tmp and of /dev/shm, which lie in memory. */
  readonly temporaryBytes: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_SANDBOX_LIMITS: SandboxLimits = {
  memoryBytes: 2_048 * MIB,
  processes: 256,
  fileBytes: 1_024 * MIB,
  cpuSeconds: 1_800,
  openFiles: 1_024,
  temporaryBytes: 256 * MIB,
};

export interface FolderIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
}

export interface SandboxSpec {
  /** Program and arguments, as they are: no shell reads them. */
  readonly command: readonly [program: string, ...rest: string[]];
  /** Real path of the folder that it may write, under its own name in there too. */
  readonly workdir: string;
  /** The folder that was meant, held open by whoever looked at it: its name may lead elsewhere by then, and then nothing runs. */
  readonly workdirIdentity?: FolderIdentity | undefined;
  /** Where it starts; the workdir when absent. */
  readonly cwd?: string | undefined;
  /** Further folders or files it may read, such as a toolchain under /opt: real paths. */
  readonly readOnly?: readonly string[] | undefined;
  /** Folders and files in the workdir that it sees empty: real paths of what exists. */
  readonly hidden?: readonly string[] | undefined;
  /** Further folders that it may write, under hidden ones too: real paths. */
  readonly writable?: readonly string[] | undefined;
  /** All that it gets, see `sandboxEnvironment`. */
  readonly environment: Readonly<Record<string, string>>;
  /** The machine's own network, with what listens on its loopback; otherwise none. */
  readonly network: boolean;
  readonly limits: SandboxLimits;
}

/** Beyond what is declared: enough for programs to feel at home, nothing of the worker. */
export const sandboxEnvironment = (
  declared: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> => ({
  PATH: '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin',
  HOME: '/tmp',
  TMPDIR: '/tmp',
  LANG: 'C.UTF-8',
  TERM: 'dumb',
  USER: 'sandbox',
  LOGNAME: 'sandbox',
  SHELL: '/bin/sh',
  ...declared,
});
