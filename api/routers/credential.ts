import { z } from 'zod';
import { LASTING_FAILURES, PASSING_FAILURES, STRATEGIES } from '../../contracts/authentication.ts';
import { LOGIN_ENDS } from '../../contracts/credential-login.ts';
import { errorInfoSchema } from '../../contracts/tools.ts';
import { checkCredential } from '../credentials/check.ts';
import { forgetCredential } from '../credentials/forget.ts';
import { listCredentials } from '../credentials/list.ts';
import { beginLogin, cancelLogin, loginState } from '../credentials/login.ts';
import { operator, router } from '../procedures.ts';
import { time } from '../schemas/session.ts';
import { parseWait } from '../sessions/reply.ts';
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

const loginSchema = z
  .object({
    credential: z.string(),
    loginId: z.uuid(),
    state: z.enum(['waiting', ...LOGIN_ENDS]),
    message: z.string().describe('Why it ended; empty while it waits and where it succeeded.'),
    code: z
      .object({
        userCode: z.string(),
        verificationUri: z.string(),
        verificationUriComplete: z.string().optional(),
        expiresAt: time,
      })
      .optional()
      .describe('What a person opens and enters; only in the answer that begins it.'),
  })
  .meta({ id: 'CredentialLogin' });

const loginRef = z.strictObject({ name: z.string().max(100), loginId: z.uuid() });

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

  login: operator
    .meta(
      rest('POST /api/credentials/{name}/login', 'Sign in for a credential, as a person', {
        description:
          'Answers with an address and a code, which a person opens and enters (RFC 8628). It goes on in the workers, whoever waits for it; the same person again is shown the same code. `anew` ends the one that is open, whoever began it.',
      }),
    )
    .input(z.strictObject({ name: z.string().max(100), anew: z.boolean().default(false) }))
    .output(loginSchema)
    .mutation(({ ctx, input }) => beginLogin(ctx, input)),

  loginState: operator
    .meta(
      rest('GET /api/credentials/{name}/login/{loginId}', 'How a login goes', {
        description: 'With `wait`, as soon as it has ended. Never with its code.',
      }),
    )
    .input(
      loginRef.extend({
        wait: z
          .string()
          .max(10)
          .default('0s')
          .describe('How long to wait for its end, such as 20s or 500ms.'),
      }),
    )
    .output(loginSchema)
    .query(({ ctx, input: { wait, ...ref } }) =>
      loginState(ctx, { ...ref, waitMs: parseWait(wait) }),
    ),

  cancelLogin: operator
    .meta(
      rest('DELETE /api/credentials/{name}/login/{loginId}', 'End a login', {
        description:
          'Answers when it has ended: `succeeded` where the person had decided at that moment, so that its token is stored.',
      }),
    )
    .input(loginRef)
    .output(loginSchema)
    .mutation(({ ctx, input }) => cancelLogin(ctx, input)),
});
