import { z } from 'zod';
import { idPattern, type KeyId } from '../../contracts/ids.ts';
import { MAX_KEY_LABEL_CHARACTERS, MAX_KEY_NAME_CHARACTERS } from '../../contracts/limits.ts';
import { ROLES } from '../../journal/port.ts';
import { createKey, listKeys, revokeKey } from '../auth/administration.ts';
import { operator, router } from '../procedures.ts';
import { time } from '../schemas/session.ts';
import { rest } from './rest.ts';

const name = z.string().min(1).max(MAX_KEY_NAME_CHARACTERS);
const keyIdSchema = z
  .string()
  .regex(new RegExp(idPattern('key')), 'expected a key id') as unknown as z.ZodType<KeyId, string>;

const keySchema = z
  .object({
    keyId: keyIdSchema,
    tenant: z.string(),
    user: z.string(),
    role: z.enum(ROLES),
    label: z.string(),
    createdAt: time,
    revokedAt: time.nullable(),
    lastUsedAt: time.nullable(),
  })
  .meta({ id: 'Key' });

export const keyRouter = router({
  create: operator
    .meta(
      rest('POST /api/keys', 'Make a key; it is shown this once', {
        status: 201,
        keyed: true,
        description:
          'A repeat under the same Idempotency-Key makes no second key and is refused with idempotency_conflict, which names the key: its secret cannot be shown again.',
      }),
    )
    .input(
      z.strictObject({
        user: name,
        role: z.enum(ROLES).default('user'),
        label: z.string().max(MAX_KEY_LABEL_CHARACTERS).default(''),
        tenant: name
          .optional()
          .describe("Your own when absent; another only for operators of the tenant 'local'."),
      }),
    )
    .output(keySchema.extend({ key: z.string() }).meta({ id: 'NewKey' }))
    .mutation(({ ctx, input }) => createKey(ctx, input)),

  list: operator
    .meta(rest('GET /api/keys', 'Keys, without their secrets'))
    .output(z.object({ keys: z.array(keySchema) }).meta({ id: 'Keys' }))
    .query(async ({ ctx }) => ({ keys: [...(await listKeys(ctx))] })),

  revoke: operator
    .meta(rest('DELETE /api/keys/{keyId}', 'Revoke a key; its open streams are closed'))
    .input(z.strictObject({ keyId: keyIdSchema }))
    .output(z.object({ keyId: keyIdSchema, revoked: z.literal(true) }).meta({ id: 'KeyRevoked' }))
    .mutation(async ({ ctx, input }) => {
      await revokeKey(ctx, input.keyId);
      return { keyId: input.keyId, revoked: true as const };
    }),
});
