import { z } from 'zod';
import { registerRunnerSchema, runnerIdSchema } from '../../contracts/runners.ts';
import { anyone, operator, person, router } from '../procedures.ts';
import {
  leaveRunner,
  listRunners,
  openCalls,
  registerRunner,
  removeRunner,
  shareRunner,
} from '../runners/administration.ts';
import { filtered, runnerFilterSchema } from '../runners/filter.ts';
import { agentToolCallSchema, runnerOf, runnerSchema } from '../schemas/runner.ts';
import { rest } from './rest.ts';

const ref = z.strictObject({ runnerId: runnerIdSchema });
const ownRef = ref.extend({
  instance: runnerIdSchema.describe('What the runner registered with.'),
});

export const runnerRouter = router({
  register: anyone
    .meta(rest('POST /api/runners', 'Register a runner, or the same one again'))
    .input(registerRunnerSchema)
    .output(
      z
        .object({
          runnerId: runnerIdSchema,
          replaced: z.boolean().describe('Another process had this name until now.'),
          leaseMs: z.number().int().describe('A claim without a sign of life lapses after this.'),
        })
        .meta({ id: 'RunnerRegistered' }),
    )
    .mutation(async ({ ctx, input }) => ({
      ...(await registerRunner(ctx, input)),
      leaseMs: ctx.deps.settings.timeouts.toolLeaseMs,
    })),

  list: anyone
    .meta(rest('GET /api/runners', 'Runners that may serve you, and whether they are there'))
    .input(runnerFilterSchema.prefault({}))
    .output(z.object({ runners: z.array(runnerSchema) }).meta({ id: 'Runners' }))
    .query(async ({ ctx, input }) => {
      const rows = await listRunners(ctx);
      const runners = rows.map((row) => runnerOf(row, ctx.principal));
      return { runners: filtered(runners, input) };
    }),

  calls: anyone
    .meta(
      rest('GET /api/runners/{runnerId}/calls', 'Calls that a runner may claim now', {
        description:
          'With `Accept: text/event-stream` a stream of `{ "type": "offer", "action": … }` and `{ "type": "closed", "callId": … }`, beginning with what waits.',
      }),
    )
    .input(ownRef)
    .output(z.object({ calls: z.array(agentToolCallSchema) }).meta({ id: 'AgentToolCalls' }))
    .query(async ({ ctx, input }) => ({ calls: [...(await openCalls(ctx, input))] })),

  leave: anyone
    .meta(
      rest('POST /api/runners/{runnerId}/leave', 'Say that a runner ends and takes no more calls', {
        description:
          'It is away at once, and stays registered. Calls that it claimed are still its own; a sign of life takes it back.',
      }),
    )
    .input(ownRef)
    .output(
      z.object({ runnerId: runnerIdSchema, left: z.literal(true) }).meta({ id: 'RunnerLeft' }),
    )
    .mutation(async ({ ctx, input }) => {
      await leaveRunner(ctx, input);
      return { runnerId: input.runnerId, left: true as const };
    }),

  share: operator
    .meta(rest('POST /api/runners/{runnerId}/share', 'Let a runner serve the whole tenant, or not'))
    .input(ref.extend({ shared: z.boolean() }))
    .output(runnerSchema)
    .mutation(async ({ ctx, input }) => runnerOf(await shareRunner(ctx, input), ctx.principal)),

  remove: person
    .meta(rest('DELETE /api/runners/{runnerId}', 'Forget a runner and what it offers'))
    .input(ref)
    .output(
      z
        .object({ runnerId: runnerIdSchema, removed: z.literal(true) })
        .meta({ id: 'RunnerRemoved' }),
    )
    .mutation(async ({ ctx, input: { runnerId } }) => {
      await removeRunner(ctx, runnerId);
      return { runnerId, removed: true as const };
    }),
});
