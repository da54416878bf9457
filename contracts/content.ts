/** What people and models say: text, and references to artifacts. zod at run time: not for workflows, which take the types. */
import { z } from 'zod';

/** Content addressed: the SHA-256 of the bytes in hexadecimal. */
export const ARTIFACT_ID = /^sha256_[0-9a-f]{64}$/;
export const artifactIdSchema = z
  .string()
  .regex(ARTIFACT_ID, 'expected "sha256_" and 64 hexadecimal characters');

export const artifactRefSchema = z.object({
  artifact: artifactIdSchema,
  mediaType: z.string().min(1).max(200),
  /** Size in bytes. */
  bytes: z.number().int().nonnegative(),
  name: z.string().max(255).optional(),
});

export const textPartSchema = z.object({
  type: z.literal('text'),
  text: z.string(),
});
export const artifactPartSchema = z.object({
  type: z.literal('artifact'),
  ...artifactRefSchema.shape,
});
export const partSchema = z.discriminatedUnion('type', [textPartSchema, artifactPartSchema]);

/** An empty message would cost a call of the model, which many refuse. */
function saysSomething(content: string | readonly z.infer<typeof partSchema>[]): boolean {
  const parts = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content;
  return parts.some((part) => part.type === 'artifact' || part.text.trim() !== '');
}

/** What a person sends: plain text, or parts. */
export const contentSchema = z
  .union([z.string().min(1), z.array(partSchema).min(1).max(50)])
  .refine(saysSomething, 'expected some text that is not only blank, or an artifact');

export type ArtifactRef = z.infer<typeof artifactRefSchema>;
export type Part = z.infer<typeof partSchema>;
export type Content = z.infer<typeof contentSchema>;

/** Content as one list of parts. */
export const toParts = (content: Content): Part[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : content;

/** The text of the parts, an artifact shown by its name. */
export const partsText = (parts: readonly Part[]): string =>
  parts
    .map((part) => (part.type === 'text' ? part.text : `[${part.name ?? part.artifact}]`))
    .join('\n');

const partsSchema = z.array(partSchema).max(50);

/** Spares every other list of a tool the schema. */
const hasFile = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.some((part: unknown) => (part as Partial<Part> | null)?.type === 'artifact');

/** A tool's result that is a list of parts with a file among them, like a person's message; undefined for any other JSON. */
export function partsWithFiles(result: unknown): Part[] | undefined {
  if (!hasFile(result)) return undefined;
  return partsSchema.safeParse(result).data;
}
