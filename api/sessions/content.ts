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
  const parts = await storedParts(deps, owner, { parts: given, field: 'content' });
  return bytesOf(parts) > INLINE_BYTES ? offload(deps, owner, parts) : parts;
}

const byteLength = ({ text }: TextPart): number => Buffer.byteLength(text);

interface GivenParts {
  readonly parts: readonly Part[];
  /** Of the request, for a refusal. */
  readonly field: string;
}

/**
 * Artifacts as they are stored: what a client says of one may be wrong; the name is its own to give.
 * @throws not_found where an artifact does not exist for this tenant
 */
export const storedParts = (
  deps: Pick<ApiDeps, 'journal'>,
  { tenant }: Owner,
  { parts, field }: GivenParts,
): Promise<Part[]> =>
  Promise.all(
    parts.map(async (part): Promise<Part> => {
      if (part.type !== 'artifact') return part;
      const { artifact, name } = part;
      const stored = await deps.journal.artifacts.stat(tenant, artifact);
      if (stored) return { type: 'artifact', ...stored, ...(name === undefined ? {} : { name }) };
      throw new PerdureError('not_found', `"${field}": there is no artifact ${artifact}.`, {
        field,
      });
    }),
  );

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
