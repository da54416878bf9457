/** Calls for a runner as server-sent events: it hears of a call within milliseconds, and nobody polls. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { runnerIdSchema } from '../../contracts/runners.ts';
import type { ApiDeps } from '../deps.ts';
import { enterByHttp } from '../entry.ts';
import { ownRunner, refuseReplaced } from '../runners/own.ts';
import { doorOf } from './door.ts';
import type { OpenStreams } from './open-stream.ts';
import { sendProblem } from './problem.ts';
import type { Stream } from './rest.ts';

const inputSchema = z.object({ runnerId: runnerIdSchema, instance: runnerIdSchema });

/** Errors before the stream begins are answered with their own status. Without numbers: each stream begins with all that waits. */
export const runnerStream =
  (deps: ApiDeps, streams: OpenStreams): Stream =>
  async (request: FastifyRequest, reply: FastifyReply) => {
    try {
      const ctx = await enterByHttp(deps, request, doorOf('runner.calls'));
      const given = { ...(request.query as object), ...(request.params as object) };
      const { runnerId, instance } = inputSchema.parse(given);
      const runner = await ownRunner(ctx, runnerId);
      refuseReplaced(runner, instance);
      await deps.journal.runners.seen(runnerId, instance);
      const stream = streams.open(ctx, reply);
      if (!stream) return reply;
      const leave = deps.runnerFeeds.follow(runner, {
        tell: (news) => {
          stream.say(news.map((one) => `data: ${JSON.stringify(one)}\n\n`).join(''));
        },
        replaced: () => stream.close('shutdown'),
      });
      stream.onClose(leave);
      return reply;
    } catch (error) {
      return sendProblem(request, reply, error);
    }
  };
