/** The parts and files of a tool's result. Pure. */
import { z } from 'zod';
import { partSchema } from '../../../contracts/content.ts';
import type { ArtifactRef, Part } from '../../../contracts/content.ts';
import type { ToolSettlement } from '../../../contracts/tools.ts';

export type Completed = Extract<ToolSettlement, { outcome: 'completed' }>;

const partsSchema = z.array(partSchema).max(50);

/** Spares every other list of a tool the schema. */
const hasFile = (result: unknown): boolean =>
  Array.isArray(result) &&
  result.some((part: unknown) => (part as Partial<Part> | null)?.type === 'artifact');

/** A result that is a list of content parts with a file among them, like a person's message; undefined for any other JSON. */
export function contentOf({ result }: Completed): Part[] | undefined {
  if (!hasFile(result)) return undefined;
  const parsed = partsSchema.safeParse(result);
  return parsed.success ? parsed.data : undefined;
}

/** The files of a result, which may be images. */
export function filesOf(settlement: ToolSettlement): ArtifactRef[] {
  if (settlement.outcome !== 'completed') return [];
  const content = contentOf(settlement) ?? [];
  return [
    ...content.filter((part) => part.type === 'artifact'),
    ...(settlement.artifact ? [settlement.artifact] : []),
  ];
}
