import { z } from 'zod';
import { sessionIdSchema } from '../../contracts/events.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { runnerIdSchema } from '../../contracts/runners.ts';
import { SESSION_STATES } from '../../contracts/session-state.ts';
import { callIdSchema, toolAnswerSchema } from '../../contracts/tools.ts';
import { anyone, router } from '../procedures.ts';
import { leaseMsSchema, pendingCallOf, pendingCallSchema } from '../schemas/tool.ts';
import { claimCall } from '../tools/claim.ts';
import { findCall, giveResult } from '../tools/result.ts';
import { rest } from './rest.ts';

const ref = z.strictObject({ callId: callIdSchema });
const holder = z.string().min(1).max(200).describe('Who answers the call: a name of your choice.');
const runnerId = runnerIdSchema
  .optional()
  .describe('Of a remote call: your runner. Its `holder` is the instance that it registered with.');
const claimed = {
  runnerId,
  holder: holder.optional().describe('Of a remote call: who claimed it.'),
};
const resultSchema = z
  .object({
    sessionId: sessionIdSchema,
    callId: callIdSchema,
    state: z.enum(SESSION_STATES),
  })
  .meta({ id: 'ToolResultAccepted' });

export const toolRouter = router({
  pending: anyone
    .meta(rest('GET /api/tools/pending', 'Tool calls that wait for an answer, oldest first'))
    .input(
      z
        .strictObject({
          sessionId: sessionIdSchema.optional(),
          limit: z.number().int().min(1).max(200).default(50),
        })
        .prefault({}),
    )
    .output(
      z
        .object({ calls: z.array(pendingCallSchema), leaseMs: leaseMsSchema })
        .meta({ id: 'PendingToolCalls' }),
    )
    .query(async ({ ctx, input: { sessionId, limit } }) => {
      const { tenant, user, role } = ctx.principal;
      const owner = role === 'operator' ? { tenant } : { tenant, user };
      // What a person is asked is none of a runner's business.
      const mode = role === 'runner' ? 'remote' : undefined;
      const calls = await ctx.deps.journal.ledger.pending({ ...owner, sessionId, mode }, limit);
      const leaseMs = ctx.deps.settings.timeouts.toolLeaseMs;
      return { calls: calls.map(pendingCallOf), leaseMs };
    }),

  claim: anyone
    .meta(rest('POST /api/tools/{callId}/claim', 'Claim a call, or renew the claim'))
    .input(ref.extend({ holder, runnerId }))
    .output(pendingCallSchema.extend({ leaseMs: leaseMsSchema }).meta({ id: 'ClaimedToolCall' }))
    .mutation(async ({ ctx, input }) => {
      const leaseMs = ctx.deps.settings.timeouts.toolLeaseMs;
      return { ...pendingCallOf(await claimCall(ctx, input)), leaseMs };
    }),

  progress: anyone
    .meta(rest('POST /api/tools/{callId}/progress', 'Report progress, which renews the claim'))
    .input(
      ref.extend({
        holder,
        runnerId,
        message: z.string().min(1).max(2_000),
        fraction: z.number().min(0).max(1).optional(),
      }),
    )
    .output(z.object({ held: z.literal(true) }).meta({ id: 'ToolProgressTaken' }))
    .mutation(async ({ ctx, input: { callId, holder, runnerId, ...progress } }) => {
      const { journal, settings } = ctx.deps;
      await findCall(ctx, callId, { runnerId, holder });
      const { toolLeaseMs } = settings.timeouts;
      if (await journal.ledger.progress(callId, { holder, leaseMs: toolLeaseMs }, progress))
        return { held: true as const };
      throw new PerdureError('result_late', `You no longer hold call ${callId}.`);
    }),

  result: anyone
    .meta(rest('POST /api/tools/{callId}/result', 'Answer a call', { status: 202 }))
    .input(ref.extend({ outcome: toolAnswerSchema, ...claimed }))
    .output(resultSchema)
    .mutation(({ ctx, input }) => giveResult(ctx, input)),

  /** The same, found by its session: the form of `POST /api/sessions/:id/tool-results`. */
  resultOfSession: anyone
    .meta(
      rest('POST /api/sessions/{sessionId}/tool-results', 'Answer a call of this session', {
        status: 202,
      }),
    )
    .input(ref.extend({ sessionId: sessionIdSchema, outcome: toolAnswerSchema, ...claimed }))
    .output(resultSchema)
    .mutation(({ ctx, input }) => giveResult(ctx, input)),
});
