import { z } from 'zod';
import { LASTING_FAILURES, PASSING_FAILURES, STRATEGIES } from '../../contracts/authentication.ts';
import { errorInfoSchema } from '../../contracts/tools.ts';
import { checkCredential } from '../credentials/check.ts';
import { forgetCredential } from '../credentials/forget.ts';
import { listCredentials } from '../credentials/list.ts';
import { operator, router } from '../procedures.ts';
import { time } from '../schemas/session.ts';
import { rest } from './rest.ts';

const listSchema = z
  .object({
    credentials: z.array(
      z.object({
        name: z.string(),
        strategy: z.enum(STRATEGIES),
        usedBy: z.array(z.string()),
        stored: z
          .object({ version: z.number().int(), updatedAt: time, expiresAt: time.nullable() })
          .nullable(),
      }),
    ),
    breakers: z.array(
      z.object({
        key: z.string(),
        state: z.enum(['closed', 'open', 'half_open']),
        failures: z.number().int(),
      }),
    ),
  })
  .meta({ id: 'Credentials' });

const checkedSchema = z
  .object({
    credential: z.string(),
    strategy: z.enum(STRATEGIES).optional(),
    outcome: z.enum(['succeeded', 'failed']),
    attempts: z.array(
      z.object({
        number: z.number().int(),
        kind: z.enum(['succeeded', ...PASSING_FAILURES, ...LASTING_FAILURES]),
        reason: z.string(),
      }),
    ),
    error: errorInfoSchema.optional(),
  })
  .meta({ id: 'CredentialChecked' });

export const credentialRouter = router({
  list: operator
    .meta(rest('GET /api/credentials', 'Credentials and circuit breakers, without a secret'))
    .output(listSchema)
    .query(async ({ ctx }) => {
      const { credentials, breakers } = await listCredentials(ctx);
      return {
        credentials: credentials.map((each) => ({ ...each, usedBy: [...each.usedBy] })),
        breakers: [...breakers],
      };
    }),

  check: operator
    .meta(
      rest('POST /api/credentials/{name}/check', 'Sign in with a credential, now, in a worker', {
        description:
          'Answers when it is settled: a provider that does not answer is tried three times. `renew` replaces a token that is still good.',
      }),
    )
    .input(z.strictObject({ name: z.string().max(100), renew: z.boolean().default(false) }))
    .output(checkedSchema)
    .mutation(async ({ ctx, input }) => {
      const result = await checkCredential(ctx, input);
      return { ...result, attempts: [...result.attempts] };
    }),

  forget: operator
    .meta(
      rest('DELETE /api/credentials/{name}/token', 'Forget the stored token of a credential', {
        description:
          'The next one who needs a token begins anew. Workers that hold it in memory use it until it ends: revoke it where it was given, too.',
      }),
    )
    .input(z.strictObject({ name: z.string().max(100) }))
    .output(
      z
        .object({ credential: z.string(), forgotten: z.literal(true) })
        .meta({ id: 'CredentialForgotten' }),
    )
    .mutation(async ({ ctx, input: { name } }) => {
      await forgetCredential(ctx, name);
      return { credential: name, forgotten: true as const };
    }),
});
