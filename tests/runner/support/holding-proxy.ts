import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** `request`: it does not reach the API; `answer`: the API has done it, and nobody hears so. */
export type Held = 'request' | 'answer';

export interface HoldingProxy extends AsyncDisposable {
  readonly url: string;
  /** From now on this procedure's calls hang. @returns what resolves when one does */
  hold(procedure: string, which: Held): Promise<void>;
  /** Nothing passes any more, in either direction, and nobody is told so. @returns what connects again */
  cut(): () => void;
  /** Everything passes again; what hangs stays so, as its caller is dead. */
  release(): void;
  /** Where the API is now. */
  target: string;
}

/** Between a runner and its API: lets one step hang, so that a runner can be killed in the middle of it. */
export async function startHoldingProxy(target: string): Promise<HoldingProxy> {
  let held: { procedure: string; which: Held; reached: () => void } | undefined;
  const proxy = { target };
  const forward = (request: IncomingMessage, response: ServerResponse, body: Buffer): void => {
    const mine = held && request.url!.includes(held.procedure) ? held : undefined;
    if (mine?.which === 'request') return mine.reached();
    const { method, headers, url } = request;
    const onward = httpRequest(`${proxy.target}${url}`, { method, headers }, (answer) => {
      if (mine) {
        answer.resume().on('end', mine.reached);
        return;
      }
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
      response.on('close', () => answer.destroy());
    });
    onward.on('error', () => response.destroy());
    onward.end(body);
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => forward(request, response, Buffer.concat(chunks)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(proxy, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold(procedure: string, which: Held) {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = { procedure, which, reached: resolve };
      return promise;
    },
    cut() {
      held = { procedure: '/', which: 'request', reached: () => undefined };
      server.closeAllConnections();
      return () => {
        held = undefined;
        server.closeAllConnections();
      };
    },
    release: () => void (held = undefined),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
