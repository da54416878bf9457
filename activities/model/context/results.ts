/** A tool's result as a model reads it: words, and the images that it is shown. Pure; artifacts were read before. */
import type { ToolResultPart } from 'ai';
import type { ArtifactRef, Part } from '../../../contracts/content.ts';
import type { ToolSettlement } from '../../../contracts/tools.ts';
import { isImage } from './image.ts';
import { contentOf, filesOf } from './result-content.ts';
import type { Completed } from './result-content.ts';
import { saidText } from './said.ts';
import type { Why } from './said.ts';
import { imagePart } from './seen-images.ts';
import type { SeenImages } from './seen-images.ts';

/** What a model sees of images in results: all, or none though it sees those of messages; absent where it sees no images at all. */
export type InResults = 'shown' | 'refused' | undefined;

const whyNot =
  (inResults: InResults): Why =>
  ({ mediaType }) =>
    inResults === 'refused' && isImage(mediaType)
      ? ': this provider takes images in messages of the person only'
      : '';

const wordsOf = (result: Completed['result']): string =>
  result === undefined ? '' : typeof result === 'string' ? result : JSON.stringify(result);

/** @param text what stands beside the file: its beginning and end, where it is a text */
function fileResult(file: ArtifactRef, text: string, why: Why): string {
  const { bytes, mediaType, artifact: id } = file;
  return text === ''
    ? `[The result is a file, ${mediaType}, ${bytes} bytes, kept as ${id}; it cannot be shown${why(file)}.]`
    : `${text}\n[The whole result has ${bytes} bytes and is kept as ${id}.]`;
}

/**
 * What the model is told about how a call ended; said in words, so that "unknown" is not taken for "failed". Without `inResults` it is the
 * longest that may be said.
 */
export function settlementText(
  settlement: ToolSettlement,
  inResults: InResults = 'refused',
): string {
  if (settlement.outcome !== 'completed')
    return `The call ended as ${settlement.outcome}: ${settlement.error.message}`;
  const why = whyNot(inResults);
  const content = contentOf(settlement);
  const text = content ? saidText(content, why) : wordsOf(settlement.result);
  if (settlement.artifact) return fileResult(settlement.artifact, text, why);
  return text === '' ? '(no result)' : text;
}

/** What of results the model is shown. */
export interface ResultTarget {
  readonly images: SeenImages;
  readonly inResults?: InResults;
}

/** The result as content parts, where it has any. */
function partsOf(settlement: Completed): Part[] {
  const content = contentOf(settlement);
  if (content) return content;
  const { artifact } = settlement;
  if (!artifact) return [];
  const text = wordsOf(settlement.result) || `[An image, kept as ${artifact.artifact}.]`;
  return [
    { type: 'text', text },
    { type: 'artifact', ...artifact },
  ];
}

export function resultOutput(
  settlement: ToolSettlement,
  { images, inResults }: ResultTarget,
): ToolResultPart['output'] {
  if (settlement.outcome !== 'completed')
    return { type: 'error-text', value: settlementText(settlement) };
  const isShown = inResults === 'shown' && filesOf(settlement).some(isIn(images));
  if (!isShown) return { type: 'text', value: settlementText(settlement, inResults ?? 'shown') };
  return {
    type: 'content',
    // Providers refuse an empty text.
    value: partsOf(settlement)
      .filter((part) => part.type !== 'text' || part.text.trim() !== '')
      .map((part) => {
        const image = part.type === 'artifact' ? images.get(part.artifact) : undefined;
        return image ? imagePart(image) : { type: 'text', text: saidText([part]) };
      }),
  };
}

const isIn =
  (images: SeenImages) =>
  ({ artifact }: ArtifactRef): boolean =>
    images.has(artifact);
