/** Bytes on a socket: what no HTTP client lets one send. */
import { connect } from 'node:net';

/** All that the server says until it closes the connection, or has been quiet for a while. */
export function rawRequest(url: string, bytes: string, quietMs = 300): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let said = '';
    const done = () => {
      socket.destroy();
      resolve(said);
    };
    let quiet = setTimeout(done, 5_000);
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
      clearTimeout(quiet);
      quiet = setTimeout(done, quietMs);
    });
    socket.on('error', done).on('close', () => {
      clearTimeout(quiet);
      resolve(said);
    });
  });
}

export const answersIn = (said: string): number => said.match(/HTTP\/1\.1 \d{3}/g)?.length ?? 0;
