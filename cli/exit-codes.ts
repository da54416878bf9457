/** What the process tells the shell. Listed in `perdure --help` and docs/configuration.md. */
export const EXIT = {
  ok: 0,
  /** The command was understood and failed. */
  failure: 1,
  /** Unknown command or option, missing argument. */
  usage: 2,
  /** perdure.yaml or the environment is wrong; every problem is listed. */
  settings: 3,
  /** Something the command needs cannot be reached: a server, the database, a port. */
  unavailable: 4,
  /** The session or call named does not exist, or belongs to somebody else. */
  notFound: 5,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with a message for a person instead of a stack. */
export class CommandFailed extends Error {
  readonly exitCode: ExitCode;
  constructor(message: string, exitCode: ExitCode = EXIT.failure) {
    super(message);
    this.name = 'CommandFailed';
    this.exitCode = exitCode;
  }
}
