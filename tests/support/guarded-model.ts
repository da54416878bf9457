/** A model's provider that lets in whoever brings one of the tokens given out, and repeats the token where it refuses one. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { TokenServer } from './token-server.ts';

export interface GuardedModel extends AsyncDisposable {
  readonly url: string;
  /** What was sent in `authorization`, request by request. */
  readonly seen: readonly string[];
  /** So many of the next requests are refused. */
  refuse: number;
  /** Whom it passes requests on to. */
  model: string;
}

export async function startGuardedModel(tokens: TokenServer): Promise<GuardedModel> {
  const state = { refuse: 0, model: '' };
  const seen: string[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const body = Buffer.concat(await Array.fromAsync(request));
      const { authorization = '' } = request.headers;
      seen.push(authorization);
      const known = tokens.issued.includes(authorization.replace('Bearer ', ''));
      if (!known || state.refuse-- > 0) {
        const error = { message: `${authorization} has expired`, authorization };
        response.writeHead(401, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ error }));
        return;
      }
      const answer = await fetch(`${state.model}${request.url}`, {
        method: request.method ?? 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      Readable.fromWeb(answer.body as ReadableStream).pipe(response);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
