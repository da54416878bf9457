/** tRPC over WebSocket, on the same path: commands and subscriptions on one connection. */
import { getWSConnectionHandler } from '@trpc/server/adapters/ws';
import type { FastifyInstance } from 'fastify';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { MAX_TOOL_RESULT_BYTES } from '../../contracts/limits.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { identify } from '../auth/credentials.ts';
import { authorizationOf, isForwarded, type ApiContext } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { toPerdureError } from '../errors.ts';
import { appRouter } from '../router.ts';
import { logProblem, problemOf } from './problem.ts';
import { refuseStrangeOrigin } from './origin.ts';

/** The largest input, and what JSON adds to it. */
const MAX_FRAME_BYTES = 2 * MAX_TOOL_RESULT_BYTES;
/** Whoever connects must say who they are within this time. */
const HELLO_MS = 10_000;
/** RFC 6455, section 7.4.1; 1013 is "try again later". */
const CLOSE = { goingAway: 1001, tryAgainLater: 1013 };

export class Sockets {
  readonly #deps: ApiDeps;
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES });

  constructor(app: FastifyInstance, deps: ApiDeps) {
    this.#deps = deps;
    const { socketPingMs, socketPongMs } = deps.settings.timeouts;
    const connect = getWSConnectionHandler({
      wss: this.#server,
      router: appRouter,
      keepAlive: { enabled: true, pingMs: socketPingMs, pongWaitMs: socketPongMs },
      createContext: ({ req, res, info }) =>
        this.#contextOf(req, res, authorizationOf(req.headers, info.connectionParams)),
      onError: ({ error }) => logProblem({ log: app.log }, toPerdureError(error)),
    });
    app.server.on('upgrade', (request, duplex, head) => {
      this.#upgrade(request, duplex, () =>
        this.#server.handleUpgrade(request, duplex, head, (socket) => {
          expectHello(socket);
          connect(socket, request);
        }),
      );
    });
  }

  /** Clients connect again by themselves and resume their subscriptions. */
  close(): void {
    for (const socket of this.#server.clients) {
      socket.close(CLOSE.goingAway, 'the server restarts');
      setTimeout(() => socket.terminate(), 1_000).unref();
    }
  }

  #upgrade(request: IncomingMessage, duplex: Duplex, accept: () => void): void {
    const path = request.url?.split('?')[0];
    try {
      if (path !== '/trpc') throw new PerdureError('not_found', 'Sockets are taken at /trpc.');
      refuseStrangeOrigin(this.#deps.settings.api, request.headers);
      accept();
    } catch (error) {
      refuse(duplex, toPerdureError(error));
    }
  }

  async #contextOf(
    { headers, socket: { remoteAddress } }: IncomingMessage,
    socket: WebSocket,
    authorization: string | undefined,
  ): Promise<ApiContext> {
    const deps = this.#deps;
    const address = remoteAddress ?? '';
    const forwarded = isForwarded(headers);
    const principal = await identify(deps, { authorization, address, forwarded });
    const close = (reason: string) => socket.close(CLOSE.tryAgainLater, reason);
    socket.once(
      'close',
      deps.connections.admit(principal, () => close('closed by the server')),
    );
    socket.emit('hello');
    return {
      deps,
      principal,
      address,
      requestId: randomUUID(),
      reply: { headers: {} },
      socket: { unsentBytes: () => socket.bufferedAmount, close },
    };
  }
}

function expectHello(socket: WebSocket): void {
  const timer = setTimeout(() => socket.terminate(), HELLO_MS);
  const clear = () => clearTimeout(timer);
  socket.once('hello', clear);
  socket.once('close', clear);
}

/** Before the handshake a refusal is an ordinary HTTP answer. */
function refuse(duplex: Duplex, error: PerdureError): void {
  const problem = problemOf(error, randomUUID());
  const body = JSON.stringify(problem);
  duplex.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
