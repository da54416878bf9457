import type { ArtifactRef } from '../contracts/content.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import type { ApiContext } from './context.ts';

export interface Upload {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly name?: string | undefined;
}

export async function storeArtifact(
  { deps, principal }: ApiContext,
  { bytes, mediaType, name }: Upload,
): Promise<ArtifactRef> {
  if (bytes.byteLength === 0)
    throw new PerdureError('invalid_input', 'The artifact is empty: expected some bytes.');
  return deps.journal.artifacts.put(principal, bytes, { mediaType, name });
}

/** Of the tenant's. @throws not_found */
export async function findArtifact(
  { deps, principal }: ApiContext,
  artifact: string,
): Promise<{ ref: ArtifactRef; bytes: Uint8Array }> {
  const found = await deps.journal.artifacts.get(principal.tenant, artifact);
  if (found) return found;
  throw new PerdureError('not_found', `There is no artifact ${artifact}.`);
}
