import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Counter extends AsyncDisposable {
  readonly url: string;
  /** Call id → how often it took effect. */
  readonly counts: ReadonlyMap<string, number>;
  readonly total: number;
  /** Tools that hold. */
  readonly holding: number;
  /** How often one has held so far. */
  readonly holds: number;
  /** The most executions of one call that held at one moment. */
  readonly crowd: number;
  /** Tools that hold go on, and later ones no longer hold, until `holdAgain`. */
  release(): void;
  holdAgain(): void;
}

/** The world outside: what happened there cannot be taken back, and is counted. */
export async function startCounter(): Promise<Counter> {
  const counts = new Map<string, number>();
  /** Each with its call. */
  const holding = new Map<ServerResponse, string>();
  let released = false;
  let [holds, crowd] = [0, 0];
  const hold = (response: ServerResponse, callId: string): void => {
    holds += 1;
    holding.set(response, callId);
    // Also where the tool was aborted.
    response.on('close', () => holding.delete(response));
    crowd = Math.max(crowd, [...holding.values()].filter((one) => one === callId).length);
  };
  const server = createServer((request, response) => {
    const callId = request.url!.split('/').at(-1)!;
    if (request.method === 'GET') {
      if (released) response.end('{}');
      else hold(response, callId);
      return;
    }
    counts.set(callId, (counts.get(callId) ?? 0) + 1);
    response.end(JSON.stringify(counts.get(callId)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    get total() {
      return [...counts.values()].reduce((sum, count) => sum + count, 0);
    },
    get holding() {
      return holding.size;
    },
    get holds() {
      return holds;
    },
    get crowd() {
      return crowd;
    },
    release() {
      released = true;
      for (const response of holding.keys()) response.end('{}');
    },
    holdAgain: () => void (released = false),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
