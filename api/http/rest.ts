/** REST from the router: each procedure with a REST form becomes a Fastify route that calls it. */
import { callTRPCProcedure } from '@trpc/server';
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { contextOf, type ApiContext } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import type { ProcedureMeta } from '../procedures.ts';
import { appRouter } from '../router.ts';
import { sendProblem } from './problem.ts';
import { coerce, kindsOf, type Kinds } from './query.ts';

interface Route {
  readonly procedure: string;
  readonly type: 'query' | 'mutation';
  readonly method: HTTPMethods;
  readonly path: string;
  readonly status: number;
  readonly bodyless: boolean;
  /** Inputs that stand in the query although there is a body. */
  readonly query: readonly string[];
  readonly kinds: Kinds;
  readonly hasInput: boolean;
}

/** Answers instead of the procedure where the client asks for a stream. */
export type Stream = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

interface Definition {
  readonly type: 'query' | 'mutation' | 'subscription';
  readonly meta?: ProcedureMeta;
  readonly inputs: readonly unknown[];
}

/** tRPC keeps them under their dotted paths; its types show them nested. */
const proceduresByPath = (): (readonly [string, Definition])[] =>
  Object.entries(appRouter._def.procedures).map(([path, procedure]) => [
    path,
    (procedure as unknown as { _def: Definition })._def,
  ]);

export function restRoutes(): Route[] {
  return proceduresByPath().flatMap(([procedure, { type, meta, inputs }]) => {
    if (!meta?.openapi || type === 'subscription') return [];
    const { method, path } = meta.openapi;
    const [schema] = inputs;
    return {
      procedure,
      type,
      method,
      path: path.replaceAll(/\{(\w+)\}/g, ':$1'),
      status: meta.rest?.status ?? 200,
      bodyless: method === 'GET' || method === 'DELETE',
      query: meta.rest?.query ?? [],
      kinds: kindsOf(schema),
      hasInput: schema !== undefined,
    };
  });
}

export function registerRest(
  app: FastifyInstance,
  deps: ApiDeps,
  streams: Readonly<Record<string, Stream>>,
): void {
  for (const route of restRoutes()) {
    const stream = streams[route.procedure];
    app.route({
      method: route.method,
      url: route.path,
      handler: (request, reply) =>
        stream && wantsStream(request)
          ? stream(request, reply)
          : answer({ deps, route }, request, reply),
    });
  }
}

const wantsStream = ({ headers }: FastifyRequest): boolean =>
  headers.accept?.includes('text/event-stream') ?? false;

async function answer(
  { deps, route }: { deps: ApiDeps; route: Route },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  try {
    const ctx = await contextOf(deps, request, request.headers.authorization);
    const output = await call(route, ctx, request);
    return sendOutput({ reply, request, route }, ctx, output);
  } catch (error) {
    return sendProblem(request, reply, error);
  }
}

function call(route: Route, ctx: ApiContext, request: FastifyRequest): Promise<unknown> {
  const input = route.hasInput ? inputOf(route, request) : undefined;
  return callTRPCProcedure({
    router: appRouter,
    path: route.procedure,
    getRawInput: () => Promise.resolve(input),
    ctx,
    type: route.type,
    signal: undefined,
    batchIndex: 0,
  });
}

/** One object from path, query and body, as the procedure wants it; the path wins. */
function inputOf(route: Route, { params, query, body }: FastifyRequest): unknown {
  const path = coerce(route.kinds, params as Record<string, unknown>);
  const fromQuery = coerce(route.kinds, query as Record<string, unknown>);
  if (route.bodyless) return { ...fromQuery, ...path };
  refuseInQuery(route, fromQuery);
  return { ...objectOf(body), ...fromQuery, ...path };
}

function refuseInQuery({ query }: Route, given: Record<string, unknown>): void {
  const wrong = Object.keys(given).find((name) => !query.includes(name));
  if (wrong === undefined) return;
  const expected =
    query.length > 0
      ? `the query takes ${query.join(', ')}, the body the rest`
      : 'send it in the body';
  throw new PerdureError('invalid_input', `"${wrong}": not a query parameter here; ${expected}.`, {
    field: wrong,
  });
}

function objectOf(body: unknown): object {
  if (body === undefined || body === null) return {};
  if (typeof body === 'object' && !Array.isArray(body)) return body;
  throw new PerdureError('invalid_input', 'The body: expected a JSON object.');
}

function sendOutput(
  { reply, request, route }: { reply: FastifyReply; request: FastifyRequest; route: Route },
  { reply: hints }: ApiContext,
  output: unknown,
): FastifyReply {
  const { etag } = hints;
  // Answers are people's own: no shared cache may keep them.
  reply.header('cache-control', etag ? 'private, no-cache' : 'no-store').headers(hints.headers);
  if (etag) {
    reply.header('etag', etag);
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  }
  return reply
    .code(hints.status ?? route.status)
    .header('content-type', 'application/json; charset=utf-8')
    .send(JSON.stringify(output));
}
