/** A provider that knows keys: the cheap request of the `api-key` strategy, with faults on demand. */
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface KeyServer extends AsyncDisposable {
  readonly url: string;
  /** Path and headers of each request. */
  readonly requests: readonly { readonly path: string; readonly headers: IncomingHttpHeaders }[];
  /** Status of the next answers, in order; then 200 for the right key and 401 for others. */
  fail(...statuses: readonly number[]): void;
  /** Status of all answers from now on; undefined ends it. */
  always: number | undefined;
  /** No request is answered until they are released. */
  hold(): { release(): void };
  /** Headers of every answer. */
  headers: Record<string, string>;
}

export async function startKeyServer(key: string): Promise<KeyServer> {
  const requests: { path: string; headers: IncomingHttpHeaders }[] = [];
  const statuses: number[] = [];
  const state = { always: undefined as number | undefined, headers: {} as Record<string, string> };
  let held: Promise<void> = Promise.resolve();
  const answer = async (
    { url = '', headers }: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    requests.push({ path: url, headers });
    await held;
    const given = String(headers['x-api-key'] ?? headers.authorization?.replace(/^Bearer /, ''));
    const status = state.always ?? statuses.shift() ?? (given === key ? 200 : 401);
    response.writeHead(status, { 'content-type': 'application/json', ...state.headers });
    response.end(JSON.stringify({ error: `the key ${given} gets ${status}` }));
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return { release: resolve };
    },
    fail: (...more: readonly number[]) => void statuses.push(...more),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
