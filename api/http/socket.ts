/** tRPC over WebSocket, on the same path: commands and subscriptions on one connection. */
import { getWSConnectionHandler, type WSSHandlerOptions } from '@trpc/server/adapters/ws';
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
import { appRouter, type AppRouter } from '../router.ts';
import { ApiSocket } from './api-socket.ts';
import { answerBare } from './bare-answer.ts';
import { rememberingStops } from './early-stops.ts';
import { logProblem } from './problem.ts';
import { refuseStrangeOrigin } from './origin.ts';

/** The largest input, and what JSON adds to it. */
const MAX_FRAME_BYTES = 2 * MAX_TOOL_RESULT_BYTES;
/** Whoever connects must say who they are within this time. */
const HELLO_MS = 10_000;
/** RFC 6455, section 7.4.1; 1013 is "try again later". */
const CLOSE = { goingAway: 1001, tryAgainLater: 1013 };

export class Sockets {
  readonly #deps: ApiDeps;
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    WebSocket: ApiSocket,
  });

  constructor(app: FastifyInstance, deps: ApiDeps) {
    this.#deps = deps;
    const { socketPingMs, socketPongMs } = deps.settings.timeouts;
    const options: WSSHandlerOptions<AppRouter> = {
      wss: this.#server,
      router: appRouter,
      keepAlive: { enabled: true, pingMs: socketPingMs, pongWaitMs: socketPongMs },
      createContext: ({ req, res, info }) =>
        this.#identified(
          req,
          res as ApiSocket,
          authorizationOf(req.headers, info.connectionParams),
        ),
      onError: ({ error }) => logProblem({ log: app.log }, toPerdureError(error)),
    };
    app.server.on('upgrade', (request, duplex, head) => {
      // Node has taken its own listener off: without one, a client that resets the connection would end the process.
      duplex.on('error', () => duplex.destroy());
      this.#upgrade(request, duplex, () =>
        this.#server.handleUpgrade(request, duplex, head, (socket) => {
          socket.count();
          expectHello(socket);
          const experimental_encoder = rememberingStops((frame) =>
            socket.emit('message', Buffer.from(frame), false),
          );
          getWSConnectionHandler({ ...options, experimental_encoder })(socket, request);
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
      refuseStrangeOrigin(this.#deps.settings.api, request);
      accept();
    } catch (error) {
      answerBare(duplex, toPerdureError(error));
    }
  }

  async #identified(
    request: IncomingMessage,
    socket: ApiSocket,
    authorization: string | undefined,
  ): Promise<ApiContext> {
    const { messages } = socket;
    try {
      return await this.#contextOf(request, socket, authorization);
    } catch (error) {
      socket.refuse(toPerdureError(error), messages);
      throw error;
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
    const identifyAgain = () => identify(deps, { authorization, address, forwarded });
    const principal = await identifyAgain();
    const leave = deps.connections.admit(principal, () =>
      socket.close(CLOSE.tryAgainLater, 'closed by the server'),
    );
    const closed = new AbortController();
    const gone = () => {
      leave();
      closed.abort();
    };
    // It may have gone while its key was looked up.
    if (socket.readyState === socket.CLOSED) gone();
    else socket.once('close', gone);
    socket.emit('hello');
    return {
      deps,
      principal,
      identifyAgain,
      address,
      requestId: randomUUID(),
      reply: { headers: {} },
      carrier: {
        closed: closed.signal,
        unsentBytes: () => socket.bufferedAmount,
        cut: () => {
          if (socket.bufferedAmount > deps.settings.api.streamBufferBytes) socket.terminate();
        },
      },
    };
  }
}

function expectHello(socket: ApiSocket): void {
  const timer = setTimeout(() => socket.expire(), HELLO_MS);
  const clear = () => clearTimeout(timer);
  socket.once('hello', clear);
  socket.once('close', clear);
}
