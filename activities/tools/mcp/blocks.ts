/** One block of a server's answer: a file, or words. Pure. */
import type { ContentBlock } from '@modelcontextprotocol/client';
import { cleanText } from '../../../contracts/clean-text.ts';

export interface FileBlock {
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly name?: string | undefined;
}

/** What is text by its type, whatever else its type says. */
const TEXT_TYPE = /^(?:text\/|application\/(?:[\w.-]+\+)?(?:json|xml|yaml)(?:;|$))/i;
const MAX_NAME_CHARACTERS = 255;

/** The last part of an address, where it can be a name. */
const nameIn = (uri: string): string | undefined =>
  cleanText(uri.split(/[?#]/)[0]?.split('/').at(-1) ?? '').slice(0, MAX_NAME_CHARACTERS) ||
  undefined;

/** A text that came as bytes, which a model reads as any other; undefined where it is none. */
function decoded(bytes: Buffer, mediaType: string): string | undefined {
  if (!TEXT_TYPE.test(mediaType)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const resourceText = (uri: string, text: string): string => `${uri}:\n${text}`;

/** Links are told and not followed: where they lead is for the model, with a tool of its own, to see. */
export function readBlock(block: ContentBlock): FileBlock | string {
  if (block.type === 'image' || block.type === 'audio')
    return { bytes: Buffer.from(block.data, 'base64'), mediaType: block.mimeType };
  if (block.type === 'text') return block.text;
  if (block.type === 'resource_link')
    return [`[${block.title ?? block.name}](${block.uri})`, block.description]
      .filter(Boolean)
      .join(' ');
  const { resource } = block;
  if (!('blob' in resource)) return resourceText(resource.uri, resource.text);
  const { blob, mimeType: mediaType = 'application/octet-stream', uri } = resource;
  const bytes = Buffer.from(blob, 'base64');
  const text = decoded(bytes, mediaType);
  return text === undefined ? { bytes, mediaType, name: nameIn(uri) } : resourceText(uri, text);
}
