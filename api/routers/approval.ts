import { z } from 'zod';
import { approvalDecisionSchema, approvalIdSchema } from '../../contracts/approvals.ts';
import { sessionIdSchema } from '../../contracts/events.ts';
import { decideApproval, findApproval } from '../approvals/decide.ts';
import { person, router } from '../procedures.ts';
import { approvalOf, approvalSchema } from '../schemas/approval.ts';
import { rest } from './rest.ts';

const ref = z.strictObject({ approvalId: approvalIdSchema });

/** Calls that wait for a person's word. Users see and decide those of their own sessions, operators those of their tenant. */
export const approvalRouter = router({
  list: person
    .meta(rest('GET /api/approvals', 'Calls about which a person is or was asked, newest first'))
    .input(
      z
        .strictObject({
          state: z.enum(['open', 'settled']).default('open'),
          sessionId: sessionIdSchema.optional(),
          cursor: z.string().max(100).optional(),
          limit: z.number().int().min(1).max(200).default(50),
        })
        .prefault({}),
    )
    .output(
      z
        .object({ approvals: z.array(approvalSchema), nextCursor: z.string().nullable() })
        .meta({ id: 'Approvals' }),
    )
    .query(async ({ ctx: { deps, principal }, input: { limit, cursor, ...filter } }) => {
      const { tenant, user, role } = principal;
      const owner = role === 'operator' ? { tenant } : { tenant, user };
      const { items, nextCursor } = await deps.journal.approvals.list(
        { ...owner, ...filter },
        { limit, cursor },
      );
      return { approvals: items.map(approvalOf), nextCursor };
    }),

  get: person
    .meta(rest('GET /api/approvals/{approvalId}', 'One of them'))
    .input(ref)
    .output(approvalSchema)
    .query(async ({ ctx, input }) => approvalOf(await findApproval(ctx, input.approvalId))),

  decide: person
    .meta(
      rest(
        'POST /api/approvals/{approvalId}/decision',
        'Say yes, no, or yes with changed arguments',
        {
          keyed: true,
          description:
            'The first decision wins; another one is refused with approval_stale. Changed arguments are checked against the schema of the tool and the approval policy.',
        },
      ),
    )
    .input(approvalDecisionSchema.extend(ref.shape))
    .output(approvalSchema)
    .mutation(async ({ ctx, input }) => approvalOf(await decideApproval(ctx, input))),
});
