/** What an image is, read from its own first bytes: the type that somebody declared may be wrong, and a provider refuses the whole request then. Pure. */

export interface ImageFacts {
  readonly mediaType: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp';
  readonly width: number;
  readonly height: number;
}

type Read = (bytes: Buffer) => Omit<ImageFacts, 'mediaType'> | undefined;

const png: Read = (bytes) =>
  bytes.toString('latin1', 0, 8) === '\u0089PNG\r\n\u001a\n' &&
  bytes.toString('latin1', 12, 16) === 'IHDR'
    ? { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }
    : undefined;

const gif: Read = (bytes) =>
  /^GIF8[79]a/.test(bytes.toString('latin1', 0, 6))
    ? { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) }
    : undefined;

/** The three forms of RFC 9649: extended, lossy, lossless. */
const webp: Read = (bytes) => {
  if (!/^RIFF[^]{4}WEBP$/.test(bytes.toString('latin1', 0, 12))) return undefined;
  switch (bytes.toString('latin1', 12, 16)) {
    case 'VP8X':
      return { width: 1 + bytes.readUIntLE(24, 3), height: 1 + bytes.readUIntLE(27, 3) };
    case 'VP8 ':
      return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
    case 'VP8L': {
      const bits = bytes.readUInt32LE(21);
      return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
    }
    default:
      return undefined;
  }
};

/** Frame headers are C0 to CF, but for C4, C8 and CC (ISO 10918-1, table B.1). */
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

const jpeg: Read = (bytes) => {
  if (bytes.readUInt16BE(0) !== 0xffd8) return undefined;
  for (let at = 2; at + 9 <= bytes.length && bytes[at] === 0xff;) {
    const marker = bytes.readUInt8(at + 1);
    if (isFrame(marker))
      return { width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) };
    // A fill byte stands before its marker.
    at += marker === 0xff ? 1 : 2 + bytes.readUInt16BE(at + 2);
  }
  return undefined;
};

const READERS: readonly (readonly [ImageFacts['mediaType'], Read])[] = [
  ['image/png', png],
  ['image/jpeg', jpeg],
  ['image/gif', gif],
  ['image/webp', webp],
];

/** The longest header before the size, an extended WebP's. */
const SHORTEST_IMAGE = 30;

/** @returns undefined where it is no image that models see, or a damaged one */
export function imageOf(content: Uint8Array): ImageFacts | undefined {
  if (content.length < SHORTEST_IMAGE) return undefined;
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  for (const [mediaType, read] of READERS) {
    const size = read(bytes);
    if (size && size.width > 0 && size.height > 0) return { mediaType, ...size };
  }
  return undefined;
}

/** Whether it says of itself that it is an image that models see. */
export const isImage = (mediaType: string): boolean =>
  /^image\/(?:png|jpe?g|gif|webp)\b/i.test(mediaType);

const PATCH_PIXELS = 28;
const TOKENS_PER_PATCH = 2.5;
/** What a model of tiles takes for the smallest one. */
const TOKENS_PER_IMAGE = 800;
const MOST_TOKENS_PER_IMAGE = 6_200;

/**
 * Tokens of an image, never too few. Anthropic: a token for each 28 × 28 pixels, images shrunk to at most 4,784 (platform.claude.com, vision).
 * OpenAI: 32 × 32 pixels times up to 2.46, shrunk to at most 2,500 of them at detail `high`; or at most 85 + 8 × 170 for models of tiles
 * (developers.openai.com, images and vision; what gpt-4o-mini bills beyond that does not count against its window). Looked up on 2026-11-21.
 */
export const imageTokens = ({ width, height }: Pick<ImageFacts, 'width' | 'height'>): number =>
  Math.min(
    MOST_TOKENS_PER_IMAGE,
    TOKENS_PER_IMAGE +
      Math.ceil(
        TOKENS_PER_PATCH * Math.ceil(width / PATCH_PIXELS) * Math.ceil(height / PATCH_PIXELS),
      ),
  );
