import { z } from 'zod';
import { AUDIT_ACTION_NAMES } from '../../contracts/audit.ts';
import { expectedId, isId } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { SESSION_STATES } from '../../contracts/session-state.ts';
import { TASK_STATES } from '../../contracts/task-state.ts';
import { errorInfoSchema } from '../../contracts/tools.ts';
import { ROLES } from '../../journal/port.ts';
import { LOCAL_TENANT } from '../auth/principal.ts';
import { operator, person, router } from '../procedures.ts';
import { time } from '../schemas/session.ts';
import { etagOf, jobStatusOf } from '../sessions/job-status.ts';
import { API_VERSION } from '../version.ts';
import { rest } from './rest.ts';

const jobStatusSchema = z
  .object({
    jobId: z.string(),
    kind: z.literal('session'),
    state: z.enum(TASK_STATES),
    terminal: z.boolean(),
    detail: z.enum(SESSION_STATES),
    progress: z.object({
      fraction: z.number().min(0).max(1).nullable(),
      turns: z.number().int(),
      queued: z.number().int(),
    }),
    createdAt: time,
    startedAt: time.nullable(),
    updatedAt: time,
    endedAt: time.nullable(),
    estimatedCompletionAt: time.nullable(),
    attempt: z.number().int(),
    error: errorInfoSchema.nullable(),
    lastSeq: z.number().int(),
    pollAfterMs: z.number().int().nullable(),
  })
  .meta({ id: 'JobStatus' });

const auditEntrySchema = z.object({
  at: time,
  tenant: z.string().nullable(),
  user: z.string().nullable(),
  action: z.string(),
  subject: z.string().nullable(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});

export const systemRouter = router({
  info: person
    .meta(rest('GET /api/system', 'What this server is, and who you are to it'))
    .output(
      z
        .object({
          version: z.string(),
          journal: z.enum(['sqlite', 'postgres']),
          you: z.object({ tenant: z.string(), user: z.string(), role: z.enum(ROLES) }),
          limits: z.object({
            maxMessageBytes: z.number().int(),
            requestsPerMinute: z.number().int(),
            maxConnectionsPerUser: z.number().int(),
          }),
        })
        .meta({ id: 'System' }),
    )
    .query(({ ctx: { deps, principal } }) => {
      const { tenant, user, role } = principal;
      const { maxMessageBytes, requestsPerMinute, maxConnectionsPerUser } = deps.settings.api;
      return {
        version: API_VERSION,
        journal: deps.journal.dialect,
        you: { tenant, user, role },
        limits: { maxMessageBytes, requestsPerMinute, maxConnectionsPerUser },
      };
    }),

  jobStatus: person
    .meta(
      rest('GET /api/jobs/{jobId}/status', 'Where a job stands', {
        description:
          'Answers 304 to `If-None-Match`; `pollAfterMs` says when asking again makes sense.',
      }),
    )
    .input(z.strictObject({ jobId: z.string().max(100) }))
    .output(jobStatusSchema)
    .query(async ({ ctx, input: { jobId } }) => {
      if (isId('task', jobId))
        throw new PerdureError('not_found', `There is no job ${jobId}.`, { field: 'jobId' });
      if (!isId('ses', jobId))
        throw new PerdureError(
          'invalid_id',
          `"jobId" is not a valid id: ${expectedId('ses', 'task')}.`,
          { field: 'jobId' },
        );
      const row = await ctx.deps.access.find(ctx.principal, jobId);
      ctx.reply.etag = etagOf(row);
      return jobStatusOf(row);
    }),

  audit: operator
    .meta(
      rest('GET /api/audit', 'Sign-ins, refusals, changes of keys, decisions; newest first', {
        description:
          "Of the caller's tenant. Operators of the tenant 'local' see what is nobody's as well, such as guessed keys.",
      }),
    )
    .input(
      z
        .strictObject({
          action: z.enum(AUDIT_ACTION_NAMES).optional(),
          cursor: z.string().max(200).optional(),
          limit: z.number().int().min(1).max(200).default(50),
        })
        .prefault({}),
    )
    .output(
      z
        .object({ items: z.array(auditEntrySchema), nextCursor: z.string().nullable() })
        .meta({ id: 'AuditPage' }),
    )
    .query(async ({ ctx: { deps, principal }, input }) => {
      const { action, ...asked } = input;
      const { tenant } = principal;
      const filter = { tenant, orNone: tenant === LOCAL_TENANT, action };
      const page = await deps.journal.audit.list(filter, asked);
      return { items: page.items.map((entry) => ({ ...entry })), nextCursor: page.nextCursor };
    }),
});
