import { z } from 'zod';
import { artifactIdSchema, artifactRefSchema } from '../../contracts/content.ts';
import { MAX_TOOL_RESULT_BYTES } from '../../contracts/limits.ts';
import { findArtifact, storeArtifact } from '../artifacts.ts';
import { anyone, router } from '../procedures.ts';

/** Base 64 takes a third more. */
const MAX_BASE64 = Math.ceil((MAX_TOOL_RESULT_BYTES * 4) / 3) + 4;

/** For small ones; `POST /api/artifacts` and `GET /api/artifacts/:id` take and give plain bytes. */
export const artifactRouter = router({
  put: anyone
    .input(
      z.strictObject({
        base64: z.base64().max(MAX_BASE64),
        mediaType: z.string().min(1).max(200),
        name: z.string().max(255).optional(),
      }),
    )
    .output(artifactRefSchema)
    .mutation(({ ctx, input: { base64, mediaType, name } }) =>
      storeArtifact(ctx, { bytes: Buffer.from(base64, 'base64'), mediaType, name }),
    ),

  get: anyone
    .input(z.strictObject({ artifact: artifactIdSchema }))
    .output(artifactRefSchema.extend({ base64: z.string() }))
    .query(async ({ ctx, input }) => {
      const { ref, bytes } = await findArtifact(ctx, input.artifact);
      return { ...ref, base64: Buffer.from(bytes).toString('base64') };
    }),
});
