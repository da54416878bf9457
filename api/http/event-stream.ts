/** Events as plain server-sent events: the cheapest way to follow a session, from any language. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { sessionIdSchema } from '../../contracts/events.ts';
import type { ApiDeps } from '../deps.ts';
import { enterByHttp } from '../entry.ts';
import { openStream } from '../events/subscription.ts';
import { doorOf } from './door.ts';
import type { OpenStreams } from './open-stream.ts';
import { sendProblem } from './problem.ts';
import type { Stream } from './rest.ts';

const paramsSchema = z.object({ sessionId: sessionIdSchema });

/** Errors before the stream begins are answered with their own status. */
export const eventStream =
  (deps: ApiDeps, streams: OpenStreams): Stream =>
  async (request: FastifyRequest, reply: FastifyReply) => {
    try {
      const ctx = await enterByHttp(deps, request, doorOf('session.page'));
      const { params, query, headers } = request;
      const { sessionId } = paramsSchema.parse(params);
      const after = headers['last-event-id'] ?? (query as { after?: string }).after ?? '0';
      const { cursor, first } = await openStream(ctx, sessionId, String(after));
      const stream = streams.open(ctx, reply);
      if (!stream) return reply;
      const follow = { after: cursor, sink: stream, signal: stream.signal, first };
      deps.feeds.follow(sessionId, follow).catch((error: unknown) => {
        request.log.warn({ err: error, sessionId }, 'event stream broke');
        stream.close('failure');
      });
      return reply;
    } catch (error) {
      return sendProblem(request, reply, error);
    }
  };
