/** Content over 32 KiB becomes an artifact, so that an event stays small for every client that follows. */
import { createHash } from 'node:crypto';
import { INLINE_BYTES } from '../../contracts/limits.ts';
import type { ArtifactRef } from '../../contracts/content.ts';
import type { EventData, NewEvent } from '../../contracts/events.ts';

export interface Oversize {
  readonly ref: ArtifactRef;
  readonly bytes: Uint8Array;
}

export const artifactOf = (bytes: Uint8Array, mediaType: string, name?: string): Oversize => ({
  ref: {
    artifact: `sha256_${createHash('sha256').update(bytes).digest('hex')}`,
    mediaType,
    bytes: bytes.byteLength,
    ...(name === undefined ? {} : { name }),
  },
  bytes,
});

/** The event's data with its one large field moved out, where it has one. */
export function shorten(event: NewEvent): { data: EventData; artifact?: Oversize } {
  const movable = movableOf(event);
  // A character is at least one byte and at most three.
  if (!movable || movable.content.length * 3 <= INLINE_BYTES) return { data: event.data };
  const bytes = Buffer.from(movable.content);
  if (bytes.byteLength <= INLINE_BYTES) return { data: event.data };
  // A preview in characters of many bytes: what it is one of stands in the artifact, which must not be replaced.
  if ('artifact' in movable.rest) return { data: movable.rest as EventData };
  const artifact = artifactOf(bytes, movable.mediaType);
  return { data: { ...movable.rest, artifact: artifact.ref } as EventData, artifact };
}

interface Movable {
  readonly rest: object;
  readonly content: string;
  readonly mediaType: string;
}

const json = (rest: object, value: unknown): Movable => ({
  rest,
  content: JSON.stringify(value),
  mediaType: 'application/json',
});

function movableOf(event: NewEvent): Movable | undefined {
  if (event.type === 'content.completed') {
    const { text, ...rest } = event.data;
    return text === undefined ? undefined : { rest, content: text, mediaType: 'text/plain' };
  }
  if (event.type === 'tool.requested' || event.type === 'approval.opened') {
    const { arguments: input, ...rest } = event.data;
    return input === undefined ? undefined : json(rest, input);
  }
  if (event.type === 'approval.settled') {
    if (event.data.outcome !== 'approved') return undefined;
    const { arguments: input, ...rest } = event.data;
    return input === undefined ? undefined : json(rest, input);
  }
  if (event.type !== 'tool.settled' || event.data.outcome !== 'completed') return undefined;
  const { result, ...rest } = event.data;
  return result === undefined ? undefined : json(rest, result);
}
