/** The tRPC endpoint: HTTP, and subscriptions over SSE. */
import { fastifyTRPCPlugin, type FastifyTRPCPluginOptions } from '@trpc/server/adapters/fastify';
import type { FastifyInstance } from 'fastify';
import { authorizationOf, contextOf } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { toPerdureError } from '../errors.ts';
import { appRouter, type AppRouter } from '../router.ts';
import { logProblem } from './problem.ts';

/** More calls in one request are a mistake or an attack; clients split by themselves. */
const MAX_BATCH = 50;

type Options = FastifyTRPCPluginOptions<AppRouter>['trpcOptions'];

export async function registerTrpc(app: FastifyInstance, deps: ApiDeps): Promise<void> {
  const trpcOptions: Options = {
    router: appRouter,
    maxBatchSize: MAX_BATCH,
    createContext: ({ req, info }) =>
      contextOf(deps, req, authorizationOf(req.headers, info.connectionParams)),
    onError: ({ error, req }) => logProblem(req, toPerdureError(error)),
    responseMeta: ({ errors }) => ({ headers: retryAfter(errors) }),
  };
  await app.register(fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions });
}

/** The longest that any call of the batch was told to wait. */
function retryAfter(errors: readonly unknown[]): Record<string, string> {
  const waits = errors.map((error) => toPerdureError(error).retryAfterMs ?? 0);
  const longest = Math.max(0, ...waits);
  return longest > 0 ? { 'retry-after': String(Math.ceil(longest / 1_000)) } : {};
}
