/** A server's answer as the result of a call: plain where it is text or JSON, parts with artifacts where it brings files. */
import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/client';
import type { Part } from '../../../contracts/content.ts';
import { INLINE_BYTES } from '../../../contracts/limits.ts';
import { PerdureError } from '../../../contracts/perdure-error.ts';
import type { Artifacts, Owner } from '../../../journal/port.ts';
import { cleanText } from '../../model/clean-text.ts';
import { cutMiddle } from '../../model/context/shrink.ts';
import { MAX_RESULT_PARTS } from './limits.ts';

export interface Shelf {
  readonly artifacts: Artifacts;
  readonly owner: Owner;
  /** Values that a server was given and that stand in no result, though it may tell them. */
  readonly secrets: readonly string[];
}

/** Of what went wrong, as much as a model needs. */
const MAX_ERROR_CHARACTERS = 8_000;
/** Texts beside files, together: what is longer becomes a file itself, so that all stay within one event. */
const MAX_TEXT_BYTES = INLINE_BYTES / 4;
/** Shorter values would blacken ordinary words. */
const SHORTEST_SECRET = 6;
const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+(?:\s*;.*)?$/;

interface FileBlock {
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly name?: string | undefined;
}

/** The last part of an address, where it can be a name. */
const nameIn = (uri: string): string | undefined =>
  cleanText(uri.split(/[?#]/)[0]?.split('/').at(-1) ?? '').slice(0, 255) || undefined;

function fileOf(block: ContentBlock): FileBlock | undefined {
  if (block.type === 'image' || block.type === 'audio')
    return { bytes: Buffer.from(block.data, 'base64'), mediaType: block.mimeType };
  if (block.type !== 'resource' || !('blob' in block.resource)) return undefined;
  const { blob, mimeType, uri } = block.resource;
  const mediaType = mimeType ?? 'application/octet-stream';
  return { bytes: Buffer.from(blob, 'base64'), mediaType, name: nameIn(uri) };
}

/** Links are told and not followed: where they lead is for the model, with a tool of its own, to see. */
function textOf(block: ContentBlock): string {
  if (block.type === 'text') return block.text;
  if (block.type === 'resource_link')
    return [`[${block.title ?? block.name}](${block.uri})`, block.description]
      .filter(Boolean)
      .join(' ');
  if (block.type === 'resource' && 'text' in block.resource)
    return `${block.resource.uri}:\n${block.resource.text}`;
  return '';
}

const hide = (text: string, secrets: readonly string[]): string =>
  secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .reduce((clean, secret) => clean.replaceAll(secret, '[redacted]'), text);

const hideIn = (value: unknown, secrets: readonly string[]): unknown =>
  JSON.parse(JSON.stringify(value), (_, inner: unknown) =>
    typeof inner === 'string' ? hide(inner, secrets) : inner,
  );

const wordsOf = (content: readonly ContentBlock[]): string =>
  content.map(textOf).filter(Boolean).join('\n');

async function partOf(block: ContentBlock, shelf: Shelf, room: number): Promise<Part> {
  const { artifacts, owner, secrets } = shelf;
  const file = fileOf(block);
  const text = cleanText(hide(textOf(block), secrets));
  if (!file && Buffer.byteLength(text) <= room) return { type: 'text', text };
  const { bytes, mediaType, name } = file ?? { bytes: Buffer.from(text), mediaType: 'text/plain' };
  const known = MEDIA_TYPE.test(mediaType) ? mediaType.slice(0, 200) : 'application/octet-stream';
  const ref = await artifacts.put(owner, bytes, { mediaType: known, name });
  return { type: 'artifact', ...ref };
}

async function partsOf(content: readonly ContentBlock[], shelf: Shelf): Promise<Part[]> {
  const parts: Part[] = [];
  let room = MAX_TEXT_BYTES;
  for (const block of content.slice(0, MAX_RESULT_PARTS)) {
    const part = await partOf(block, shelf, room);
    if (part.type === 'text') room -= Buffer.byteLength(part.text);
    parts.push(part);
  }
  const left = content.length - parts.length;
  return left > 0
    ? [...parts, { type: 'text', text: `[${left} more parts of the result were left out.]` }]
    : parts;
}

/**
 * @returns text, JSON, or a list of parts
 * @throws {PerdureError} `tool_failed` with the server's words, where it says that its tool failed
 */
export async function resultOf(result: CallToolResult, shelf: Shelf): Promise<unknown> {
  const { content, structuredContent, isError } = result;
  if (isError === true) {
    const words = cutMiddle(cleanText(hide(wordsOf(content), shelf.secrets)), MAX_ERROR_CHARACTERS);
    throw new PerdureError('tool_failed', words || 'The tool failed and did not say why.');
  }
  if (content.some((block) => fileOf(block) !== undefined)) return partsOf(content, shelf);
  // Its text says the same, for those who cannot read it.
  if (structuredContent !== undefined) return hideIn(structuredContent, shelf.secrets);
  return hide(wordsOf(content), shelf.secrets);
}
