/** The tRPC endpoint: HTTP, and subscriptions over SSE. */
import { getTRPCErrorShape, type TRPCError } from '@trpc/server';
import { fastifyTRPCPlugin, type FastifyTRPCPluginOptions } from '@trpc/server/adapters/fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { TimeLimits } from '../../contracts/limits.ts';
import { authorizationOf, contextOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { statusOf, toPerdureError } from '../errors.ts';
import { appRouter, type AppRouter } from '../router.ts';
import { errorShape, MAX_BATCH, tooManyCalls } from './batch.ts';
import { logProblem } from './problem.ts';

/** A client that misses two pings and a half connects again. */
const PINGS_MISSED = 2.5;

type Options = FastifyTRPCPluginOptions<AppRouter>['trpcOptions'];
type OnError = NonNullable<Options['onError']>;
type Failure = Parameters<OnError>[0];

export async function registerTrpc(app: FastifyInstance, deps: ApiDeps): Promise<void> {
  const refusals = new WeakMap<FastifyRequest, Failure>();
  const trpcOptions: Options = {
    router: withStreamTimes(deps.settings.timeouts),
    createContext: async ({ req, res, info }) => ({
      ...(await contextOf(deps, req, authorizationOf(req.headers, info.connectionParams))),
      carrier: { cut: () => cutOff(res) },
    }),
    onError: (failure) => {
      logProblem(failure.req, toPerdureError(failure.error));
      if (failure.type === 'subscription') refusals.set(failure.req, failure);
    },
    responseMeta: ({ errors }) => ({ headers: retryAfter(errors) }),
  };
  await app.register(async (scope) => {
    scope.addHook('onRequest', refuseLongBatch);
    // What is refused before tRPC sees it (a body that is too large) is told in its form too: its clients understand no other.
    scope.setErrorHandler(refuseUnseen);
    // tRPC would answer a subscription that cannot begin with 200 and an error event; its procedure has failed by now, so the status is known.
    scope.addHook('onSend', async (request, reply, payload) => {
      if (!isStream(payload)) return payload;
      const refusal = refusals.get(request);
      return refusal ? refuse(reply, refusal, payload) : withRetry(payload, deps.settings.timeouts);
    });
    await scope.register(fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions });
  });
}

function refuseUnseen(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const error = toPerdureError(thrown);
  logProblem(request, error);
  void reply
    .code(statusOf(error))
    .type('application/json')
    .send(JSON.stringify({ error: errorShape(error) }));
}

/** tRPC's own refusal would neither name the limit nor say how many were sent. */
async function refuseLongBatch(
  { params, query }: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply | undefined> {
  const { batch } = query as { batch?: string | string[] };
  const { path = '' } = params as { path?: string };
  const sent = path.split(',').length;
  if (sent <= MAX_BATCH || [batch].flat()[0] !== '1') return undefined;
  const error = errorShape(tooManyCalls(sent));
  return reply.code(400).type('application/json').send(JSON.stringify({ error }));
}

/** tRPC reads these times from the router, which all servers of a process share: this server's own is a copy that differs in them. */
function withStreamTimes({ ssePingMs, sseMaxAgeMs }: TimeLimits): AppRouter {
  const { _def } = appRouter;
  const sse = {
    ping: { enabled: true, intervalMs: ssePingMs },
    maxDurationMs: sseMaxAgeMs,
    client: { reconnectAfterInactivityMs: ssePingMs * PINGS_MISSED },
  };
  return { ...appRouter, _def: { ..._def, _config: { ..._def._config, sse } } };
}

const isStream = (payload: unknown): payload is Response =>
  payload instanceof Response && payload.headers.get('content-type') === 'text/event-stream';

/** tRPC has no setting for when an `EventSource` connects again: said ahead of its stream, as in plain ones. */
function withRetry(
  { body, status, headers }: Response,
  { socketReconnectMs }: TimeLimits,
): Response {
  const retry = new TextEncoder().encode(`retry: ${socketReconnectMs}\n\n`);
  const ahead = new TransformStream<Uint8Array, Uint8Array>({
    start: (controller) => controller.enqueue(retry),
  });
  return new Response(body?.pipeThrough(ahead), { status, headers });
}

/** Instead of the stream that tRPC has prepared: the status, and the body that any other call would have had. */
async function refuse(reply: FastifyReply, failure: Failure, prepared: Response): Promise<string> {
  await prepared.body?.cancel();
  const { error, type, path, input, ctx } = failure;
  const config = appRouter._def._config;
  const shape = getTRPCErrorShape({ config, error, type, path, input, ctx });
  reply
    .code(statusOf(toPerdureError(error)))
    .headers({ 'content-type': 'application/json', ...retryAfter([error]) });
  return JSON.stringify({ error: shape });
}

function cutOff({ raw }: FastifyReply): void {
  // A finished answer's connection may serve another request already.
  if (!raw.writableFinished) raw.destroy();
}

/** The longest that any call of the batch was told to wait. */
function retryAfter(errors: readonly TRPCError[]): Record<string, string> {
  const waits = errors.map((error) => toPerdureError(error).retryAfterMs ?? 0);
  const longest = Math.max(0, ...waits);
  return longest > 0 ? { 'retry-after': String(Math.ceil(longest / 1_000)) } : {};
}
