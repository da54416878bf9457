/** A server's answer as the result of a call: plain where it is text or JSON, parts with artifacts where it brings files. */
import type { CallToolResult } from '@modelcontextprotocol/client';
import type { Part } from '../../../contracts/content.ts';
import { INLINE_BYTES } from '../../../contracts/limits.ts';
import { PerdureError } from '../../../contracts/perdure-error.ts';
import type { Artifacts, Owner } from '../../../journal/port.ts';
import { cleanText } from '../../../contracts/clean-text.ts';
import { cutMiddle } from '../../../contracts/cut-middle.ts';
import { readBlock } from './blocks.ts';
import type { FileBlock } from './blocks.ts';
import { hide, hideIn } from './hide.ts';
import { MAX_RESULT_PARTS } from './limits.ts';
import { structuredBeside } from './structured.ts';
import type { Beside } from './structured.ts';

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
/** Of such a file, what the model reads, as long as there is room for it. */
const PREVIEW_CHARACTERS = 1_000;
/** With them a result stays a list of at most 50 parts. */
const MAX_PREVIEWS = 8;
const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+(?:\s*;.*)?$/;

/** What a server's answer says, without what must not be said. */
interface Read {
  readonly blocks: readonly (FileBlock | string)[];
  readonly texts: readonly string[];
  /** As JSON says it; undefined where there is none. */
  readonly structured: unknown;
  readonly beside: Beside;
}

function read({ content, structuredContent }: CallToolResult, secrets: readonly string[]): Read {
  const blocks = content.map(readBlock).map((block) => {
    if (typeof block === 'string') return cleanText(hide(block, secrets));
    return block.name === undefined ? block : { ...block, name: hide(block.name, secrets) };
  });
  const texts = blocks.filter((block) => typeof block === 'string' && block !== '') as string[];
  if (structuredContent === undefined)
    return { blocks, texts, structured: undefined, beside: 'text' };
  const structured = hideIn(structuredContent, secrets);
  const beside = structuredBeside({ content, texts, structured });
  return { blocks, texts, structured, beside };
}

/** Room that is left for texts, and for the beginnings of those that became files: bytes, and how many. */
interface Room {
  text: number;
  preview: number;
  previews: number;
}

async function partsOfText(text: string, shelf: Shelf, room: Room): Promise<Part[]> {
  const bytes = Buffer.from(text);
  if (bytes.length <= room.text) {
    room.text -= bytes.length;
    return [{ type: 'text', text }];
  }
  const ref = await shelf.artifacts.put(shelf.owner, bytes, { mediaType: 'text/plain' });
  const preview = cutMiddle(text, PREVIEW_CHARACTERS);
  const size = Buffer.byteLength(preview);
  const isShown = size <= room.preview && room.previews > 0;
  if (isShown) {
    room.preview -= size;
    room.previews -= 1;
  }
  return [
    ...(isShown ? [{ type: 'text' as const, text: preview }] : []),
    { type: 'artifact', ...ref },
  ];
}

async function partOfFile({ bytes, mediaType, name }: FileBlock, shelf: Shelf): Promise<Part> {
  const known = MEDIA_TYPE.test(mediaType) ? mediaType.slice(0, 200) : 'application/octet-stream';
  const ref = await shelf.artifacts.put(shelf.owner, bytes, { mediaType: known, name });
  return { type: 'artifact', ...ref };
}

async function partsOf({ blocks, structured, beside }: Read, shelf: Shelf): Promise<Part[]> {
  const isSaid = beside === 'text' || beside === 'json';
  const all = isSaid ? blocks : [JSON.stringify(structured), ...blocks];
  const room: Room = { text: MAX_TEXT_BYTES, preview: MAX_TEXT_BYTES, previews: MAX_PREVIEWS };
  const parts: Part[] = [];
  for (const block of all.slice(0, MAX_RESULT_PARTS))
    parts.push(
      ...(typeof block === 'string'
        ? await partsOfText(block, shelf, room)
        : [await partOfFile(block, shelf)]),
    );
  const left = all.length - MAX_RESULT_PARTS;
  return left > 0
    ? [...parts, { type: 'text', text: `[${left} more parts of the result were left out.]` }]
    : parts;
}

/**
 * @returns text, JSON, or a list of parts
 * @throws {PerdureError} `tool_failed` with the server's words, where it says that its tool failed
 */
export async function resultOf(result: CallToolResult, shelf: Shelf): Promise<unknown> {
  const answer = read(result, shelf.secrets);
  const { blocks, texts, structured, beside } = answer;
  const json = beside === 'text' ? '' : JSON.stringify(structured);
  if (result.isError === true) {
    const words = texts.join('\n') || json || 'The tool failed and did not say why.';
    throw new PerdureError('tool_failed', cutMiddle(words, MAX_ERROR_CHARACTERS));
  }
  if (blocks.some((block) => typeof block !== 'string')) return partsOf(answer, shelf);
  if (beside === 'nothing' || beside === 'json') return structured;
  return [...texts, json].filter(Boolean).join('\n');
}
