import { createServer } from 'node:net';
import type { Settings } from '../../config/settings.ts';
import { CommandFailed, EXIT } from '../exit-codes.ts';

export interface WantedPort {
  readonly what: string;
  readonly host: string;
  readonly port: number;
  /** The environment variable that moves it. */
  readonly variable: string;
}

/** Everything that `perdure up` listens on. */
export function wantedPorts({ api, temporal }: Settings): readonly WantedPort[] {
  const host = '127.0.0.1';
  const { port, uiPort, embedded, ui } = temporal;
  const own = { what: 'the API', host: api.host, port: api.port, variable: 'PERDURE_API_PORT' };
  const server = { what: 'Temporal', host, port, variable: 'PERDURE_TEMPORAL_PORT' };
  const itsUi = {
    ...{ what: 'the Temporal UI', host, port: uiPort },
    variable: 'PERDURE_TEMPORAL_UI_PORT',
  };
  return [own, ...(embedded ? [server] : []), ...(embedded && ui ? [itsUi] : [])];
}

/** Why nobody can listen there, and what to do about it. */
export interface PortProblem {
  readonly detail: string;
  readonly mend: string;
}

/** Whoever is there is left alone: we only say who needs to move. @throws {CommandFailed} naming every port that cannot be had */
export async function requireFreePorts(ports: readonly WantedPort[]): Promise<void> {
  const problems = await portProblems(ports);
  if (problems.length === 0) return;
  const lines = problems.map(({ detail, mend }) => `${detail}. ${mend}`);
  throw new CommandFailed(lines.join('\n'), EXIT.unavailable);
}

export async function portProblems(ports: readonly WantedPort[]): Promise<readonly PortProblem[]> {
  const failures = await Promise.all(ports.map(failureOf));
  return ports.flatMap((wanted, index) => {
    const code = failures[index];
    return code === undefined ? [] : [problemOf(wanted, code)];
  });
}

function problemOf({ what, host, port, variable }: WantedPort, code: string): PortProblem {
  const other = `choose another port: ${variable}=${port <= LAST_PORT - 100 ? port + 100 : port - 100}`;
  if (code === 'EADDRINUSE')
    return {
      detail: `Port ${port}, wanted for ${what}, is taken by another program`,
      mend: `Stop that program, or ${other}`,
    };
  if (code === 'EACCES')
    return {
      detail: `This user may not listen on port ${port}, wanted for ${what}`,
      mend: `C${other.slice(1)}`,
    };
  return {
    detail: `${host}, wanted for ${what}, is not an address of this machine (${code})`,
    mend: 'Correct api.host or PERDURE_API_HOST: 127.0.0.1 is for this machine only, 0.0.0.0 for everybody (then with keys)',
  };
}

const LAST_PORT = 65_535;

/** The system's code where nobody can listen. */
const failureOf = ({ host, port }: WantedPort): Promise<string | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code, message }: NodeJS.ErrnoException) => resolve(code ?? message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
