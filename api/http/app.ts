import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import Fastify, { LogController, type FastifyInstance, type FastifyRequest } from 'fastify';
import { randomUUID } from 'node:crypto';
import { maxHeaderSize } from 'node:http';
import { MAX_TOOL_RESULT_BYTES } from '../../contracts/limits.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { ApiDeps } from '../deps.ts';
import { registerArtifacts } from './artifact-routes.ts';
import { refuseMalformed } from './bare-answer.ts';
import { registerDocuments } from './documents.ts';
import { registerErrorPages } from './error-pages.ts';
import { eventStream } from './event-stream.ts';
import { HttpRefusal } from '../http-refusal.ts';
import { registerHealth } from './health.ts';
import { KnownPaths } from './known-paths.ts';
import { refuseStrangeOrigin } from './origin.ts';
import { OpenStreams } from './open-stream.ts';
import { sendProblem } from './problem.ts';
import { registerRest } from './rest.ts';
import { runnerStream } from './runner-stream.ts';
import { Sockets } from './socket.ts';
import { registerTrpc } from './trpc.ts';

/** The largest input is a tool result; escapes in JSON may double it. */
const BODY_LIMIT = 2 * MAX_TOOL_RESULT_BYTES;
/** A batch names all its procedures in the path, which can only be as long as a request's head: too many calls are refused as what they are. */
const MAX_PATH = maxHeaderSize;
/** What a client may send as its own request id. */
const REQUEST_ID = /^[\w.:-]{1,100}$/;

export interface App {
  readonly fastify: FastifyInstance;
  /** Ends streams and sockets, so that their clients go elsewhere, then everything else. */
  close(): Promise<void>;
}

export async function createApp(deps: ApiDeps): Promise<App> {
  const { api } = deps.settings;
  const fastify = Fastify({
    loggerInstance: deps.log,
    // Errors are logged where they are answered, figures are metrics: 500 polls a second must not drown the log.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: api.trustProxy,
    // A HEAD of an event stream would be a stream without a body.
    exposeHeadRoutes: false,
    bodyLimit: BODY_LIMIT,
    routerOptions: { maxParamLength: MAX_PATH },
    genReqId: ({ headers }) => {
      const own = headers['x-request-id'];
      return typeof own === 'string' && REQUEST_ID.test(own) ? own : randomUUID();
    },
    frameworkErrors: (error, request, reply) =>
      void sendProblem(request as FastifyRequest, reply, error),
    clientErrorHandler: refuseMalformed,
    forceCloseConnections: true,
  }) as unknown as FastifyInstance;
  await registerHooks(fastify, deps);
  const streams = new OpenStreams(deps);
  registerHealth(fastify, deps);
  await registerDocuments(fastify);
  registerErrorPages(fastify);
  registerArtifacts(fastify, deps);
  registerRest(fastify, deps, {
    'session.page': eventStream(deps, streams),
    'runner.calls': runnerStream(deps, streams),
  });
  await registerTrpc(fastify, deps);
  const sockets = new Sockets(fastify, deps);
  const close = async () => {
    deps.connections.closeAll();
    streams.close();
    sockets.close();
    await fastify.close();
  };
  return { fastify, close };
}

function nothingThere({ method, url }: FastifyRequest, known: KnownPaths): PerdureError {
  const path = url.split('?')[0] ?? '';
  const methods = known.methodsOf(path);
  if (methods.length === 0)
    return new PerdureError('not_found', `There is nothing at ${method} ${path.slice(0, 200)}.`);
  const allow = methods.join(', ');
  return new HttpRefusal('invalid_input', `${method} is not possible here: expected ${allow}.`, {
    status: 405,
    headers: { allow },
  });
}

async function registerHooks(fastify: FastifyInstance, deps: ApiDeps): Promise<void> {
  const { api } = deps.settings;
  // One that sends an empty body with a JSON content type means no body.
  // Names that could reach a prototype pass here, so that `refuseUnsafe` can say which field they are in.
  const parseJson = fastify.getDefaultJsonParser('ignore', 'ignore');
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) =>
    body === '' ? done(null, undefined) : parseJson(request, body as string, done),
  );
  fastify.setErrorHandler((error, request, reply) => sendProblem(request, reply, error));
  // Text would become an input like any other, and be refused for the wrong reason.
  fastify.removeContentTypeParser('text/plain');
  const known = new KnownPaths();
  fastify.addHook('onRoute', ({ url, method }) => known.add(url, method));
  fastify.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, nothingThere(request, known)),
  );
  fastify.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    refuseStrangeOrigin(api, request.raw);
  });
  fastify.addHook('onResponse', async ({ method, routeOptions }, { statusCode, elapsedTime }) => {
    const labels = { method, route: routeOptions.url ?? 'unknown', status: String(statusCode) };
    deps.metrics.requests.observe(labels, elapsedTime / 1_000);
  });
  await fastify.register(helmet, {
    crossOriginResourcePolicy: { policy: 'same-site' },
    // Whether there is TLS is decided by the proxy in front, which sets this where it is true.
    strictTransportSecurity: false,
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
  });
  await fastify.register(cors, {
    origin: [...api.corsOrigins],
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: ['x-request-id', 'retry-after', 'etag', 'location'],
  });
}
