/** Which images of a conversation its model is shown. */
import type { ArtifactRef } from '../../../contracts/content.ts';
import type { TranscriptMessage } from '../../../contracts/transcript.ts';
import type { Artifacts } from '../../../journal/port.ts';
import type { CallableModel } from '../providers.ts';
import { imageOf, imageTokens, isImage } from './image.ts';
import type { ImageFacts } from './image.ts';
import { filesOf } from './result-content.ts';

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

/**
 * A tool's message of a plain Chat Completions API is text, as its library has it (`supportsMultiPartToolContent`, off by default): parts
 * would reach the model as JSON with all of the image's Base64. OpenRouter's takes the parts of a person's message there too.
 */
export const takesImagesInResults = ({ kind }: Pick<CallableModel, 'kind'>): boolean =>
  kind !== 'openai-compatible';

/** The files of a row, a tool's only where their images are shown. */
function filesIn(row: TranscriptMessage, inResults: boolean): ArtifactRef[] {
  if (row.role === 'user') return row.content.filter((part) => part.type === 'artifact');
  return row.role === 'tool' && inResults ? filesOf(row.settlement) : [];
}

/** Only OpenAI asks for it: how much of an image its models look at, which bounds its tokens. */
const IMAGE_OPTIONS = { openai: { imageDetail: 'high' } };

/** As a part of a message or of a result. */
export const imagePart = ({ bytes: data, mediaType }: SeenImage) => ({
  type: 'file' as const,
  data: { type: 'data' as const, data },
  mediaType,
  providerOptions: IMAGE_OPTIONS,
});

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
  { inResults }: { inResults: boolean },
): Promise<SeenImages> {
  const seen = new Map<string, SeenImage>();
  const refs = new Map(
    rows
      .toReversed()
      .flatMap((row) => filesIn(row, inResults))
      .filter(({ mediaType }) => isImage(mediaType))
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
  if (images.size === 0) return 0;
  return filesIn(row, true).reduce((sum, { artifact }) => {
    const image = images.get(artifact);
    return image ? sum + imageTokens(image) : sum;
  }, 0);
}
