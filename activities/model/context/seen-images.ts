/** Which images of a conversation its model is shown. */
import type { ArtifactRef } from '../../../contracts/content.ts';
import type { TranscriptMessage } from '../../../contracts/transcript.ts';
import type { Artifacts } from '../../../journal/port.ts';
import type { CallableModel } from '../providers.ts';
import { imageOf, imageTokens } from './image.ts';
import type { ImageFacts } from './image.ts';

export interface SeenImage extends ImageFacts {
  readonly bytes: Uint8Array;
}

interface ArtifactReader {
  readonly artifacts: Artifacts;
  readonly tenant: string;
}

/** By the artifact's id. */
export type SeenImages = ReadonlyMap<string, SeenImage>;

/** Anthropic takes 5 MB an image in Base64, which is a third longer; OpenAI more. */
const MAX_IMAGE_BYTES = 3_750_000;
/** Anthropic takes 32 MB a request: this leaves a third of it for Base64, and some for the words. */
const MAX_BYTES = 20_000_000;
/** With more of them Anthropic takes small ones only. */
const MAX_IMAGES = 20;
/** Anthropic refuses larger ones. */
const MAX_PIXELS_A_SIDE = 8_000;

/** Families all of whose present models see: openai.com and platform.claude.com, looked up on 2026-11-21. */
const SEEING = /(?:^|\/)(?:gpt-4o|gpt-4\.1|gpt-[5-9]|claude-|gemini-)/;

/** What `vision` says of the model; where it says nothing, yes for the known ones, and no for any other OpenAI-compatible one. */
export const seesImages = ({ kind, settings }: Pick<CallableModel, 'kind' | 'settings'>): boolean =>
  settings.vision ?? (kind !== 'openai-compatible' && SEEING.test(settings.model));

const isImage = (mediaType: string): boolean => /^image\/(?:png|jpe?g|gif|webp)\b/i.test(mediaType);

const imagesOf = (row: TranscriptMessage): ArtifactRef[] =>
  row.role === 'user'
    ? row.content
        .filter((part) => part.type === 'artifact')
        .filter((part) => isImage(part.mediaType))
    : [];

async function read(
  { artifacts, tenant }: ArtifactReader,
  ref: ArtifactRef,
): Promise<SeenImage | undefined> {
  const found = await artifacts.get(tenant, ref.artifact);
  const facts = found && imageOf(found.bytes);
  if (!facts || Math.max(facts.width, facts.height) > MAX_PIXELS_A_SIDE) return undefined;
  return { ...facts, bytes: found.bytes };
}

/** The newest images, as many as a provider takes. */
export async function readImages(
  rows: readonly TranscriptMessage[],
  reader: ArtifactReader,
): Promise<SeenImages> {
  const seen = new Map<string, SeenImage>();
  const refs = new Map(
    rows
      .toReversed()
      .flatMap(imagesOf)
      .map((ref) => [ref.artifact, ref]),
  );
  let bytes = 0;
  for (const ref of refs.values()) {
    if (seen.size === MAX_IMAGES) break;
    if (ref.bytes > MAX_IMAGE_BYTES || bytes + ref.bytes > MAX_BYTES) continue;
    const image = await read(reader, ref);
    if (!image) continue;
    bytes += ref.bytes;
    seen.set(ref.artifact, image);
  }
  return seen;
}

/** Tokens of the images in a row, beside those of its text. */
export function imageTokensOf(row: TranscriptMessage, images: SeenImages): number {
  if (images.size === 0 || row.role !== 'user') return 0;
  return row.content.reduce((sum, part) => {
    const image = part.type === 'artifact' && images.get(part.artifact);
    return image ? sum + imageTokens(image) : sum;
  }, 0);
}
