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
  const own = [
    { what: 'the API', host: api.host, port: api.port, variable: 'PERDURE_API_PORT' },
    { what: 'Temporal', host, port: temporal.port, variable: 'PERDURE_TEMPORAL_PORT' },
    { what: 'the Temporal UI', host, port: temporal.uiPort, variable: 'PERDURE_TEMPORAL_UI_PORT' },
  ];
  return temporal.embedded ? own : own.slice(0, 1);
}

/** Whoever is there is left alone: we only say who needs to move. @throws {CommandFailed} naming every taken port */
export async function requireFreePorts(ports: readonly WantedPort[]): Promise<void> {
  const taken = await takenPorts(ports);
  if (taken.length === 0) return;
  const lines = taken.map(
    ({ what, port, variable }) =>
      `Port ${port}, wanted for ${what}, is taken by another program. Stop that program, or choose another port: ${variable}=${port + 100}`,
  );
  throw new CommandFailed(lines.join('\n'), EXIT.unavailable);
}

export async function takenPorts(ports: readonly WantedPort[]): Promise<readonly WantedPort[]> {
  const free = await Promise.all(ports.map(isFree));
  return ports.filter((_, index) => !free[index]);
}

const isFree = ({ host, port }: WantedPort): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
