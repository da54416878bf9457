/** The parts and files of a tool's result. Pure. */
import { partsWithFiles } from '../../../contracts/content.ts';
import type { ArtifactRef, Part } from '../../../contracts/content.ts';
import type { ToolSettlement } from '../../../contracts/tools.ts';

export type Completed = Extract<ToolSettlement, { outcome: 'completed' }>;

export const contentOf = ({ result }: Completed): Part[] | undefined => partsWithFiles(result);

/** The files of a result, which may be images. */
export function filesOf(settlement: ToolSettlement): ArtifactRef[] {
  if (settlement.outcome !== 'completed') return [];
  const content = contentOf(settlement) ?? [];
  return [
    ...content.filter((part) => part.type === 'artifact'),
    ...(settlement.artifact ? [settlement.artifact] : []),
  ];
}
