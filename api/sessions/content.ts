import { toParts, type Content, type Part } from '../../contracts/content.ts';
import { INLINE_BYTES } from '../../contracts/limits.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { Owner } from '../../journal/port.ts';
import type { ApiDeps } from '../deps.ts';

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

type TextPart = Extract<Part, { type: 'text' }>;

/**
 * Content as it travels: artifacts as they are stored, large text as references, so that Temporal never sees more than 32 KiB of it.
 * @throws payload_too_large; not_found where an artifact does not exist for this tenant
 */
export async function acceptContent(
  deps: ApiDeps,
  owner: Owner,
  content: Content,
): Promise<readonly Part[]> {
  const given = toParts(content);
  const size = given.reduce((sum, part) => sum + (part.type === 'text' ? byteLength(part) : 0), 0);
  const max = deps.settings.api.maxMessageBytes;
  if (size > max)
    throw new PerdureError(
      'payload_too_large',
      `"content": ${size} bytes of text, at most ${max} are allowed; upload it as an artifact and send the reference.`,
      { field: 'content' },
    );
  const parts = await Promise.all(given.map((part) => storedPart(deps, owner, part)));
  return bytesOf(parts) > INLINE_BYTES ? offload(deps, owner, parts) : parts;
}

const byteLength = ({ text }: TextPart): number => Buffer.byteLength(text);

/** What a client says of an artifact may be wrong; the name is its own to give. */
async function storedPart(deps: ApiDeps, { tenant }: Owner, part: Part): Promise<Part> {
  if (part.type !== 'artifact') return part;
  const stored = await deps.journal.artifacts.stat(tenant, part.artifact);
  if (stored)
    return { type: 'artifact', ...stored, ...(part.name === undefined ? {} : { name: part.name }) };
  throw new PerdureError('not_found', `"content": there is no artifact ${part.artifact}.`, {
    field: 'content',
  });
}

/** The largest texts first, until the rest is small enough. Content addressed, so a repeat stores nothing new. */
async function offload(deps: ApiDeps, owner: Owner, parts: readonly Part[]): Promise<Part[]> {
  const result = [...parts];
  const texts = parts
    .map((part, index) => ({ part, index }))
    .filter((entry): entry is { part: TextPart; index: number } => entry.part.type === 'text')
    .toSorted((a, b) => byteLength(b.part) - byteLength(a.part));
  for (const { part, index } of texts) {
    if (bytesOf(result) <= INLINE_BYTES) break;
    const bytes = Buffer.from(part.text);
    const ref = await deps.journal.artifacts.put(owner, bytes, {
      mediaType: 'text/plain; charset=utf-8',
    });
    result[index] = { type: 'artifact', ...ref };
  }
  return result;
}
