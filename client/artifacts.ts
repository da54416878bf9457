/** Bytes of artifacts, and the texts that events only refer to. */
import type { ArtifactRef } from '../contracts/content.ts';
import type { ConversationView } from '../contracts/projections/conversation.ts';
import { missingContent, withContent } from '../contracts/projections/stored-content.ts';
import type { Calls } from './calls.ts';
import { authorization, bytes, get, json } from './connection.ts';
import { fetchError, responseError } from './errors.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import { reconnecting } from './events/resume.ts';
import type { ReconnectOptions } from './events/resume.ts';

/** @throws {PerdureError} `not_found` … @throws {NetworkError} once the client's `retryForMs` is over */
export const artifactBytes = (
  { connection, read }: Calls,
  artifact: string,
  signal?: AbortSignal,
): Promise<Uint8Array> =>
  read(async (limit) => {
    const path = `/api/artifacts/${encodeURIComponent(artifact)}`;
    return bytes(await get(connection, path, { signal: limit }));
  }, signal);

/**
 * Stores bytes, to be referred to; the same bytes twice are stored once.
 * @throws {PerdureError} `payload_too_large` … @throws {NetworkError} once the client's `retryForMs` is over
 */
export const storedArtifact = (
  calls: Calls,
  artifact: { bytes: Uint8Array; mediaType: string },
  signal?: AbortSignal,
): Promise<ArtifactRef> => calls.read((limit) => upload(calls, artifact, limit), signal);

async function upload(
  { connection }: Calls,
  { bytes, mediaType }: { bytes: Uint8Array; mediaType: string },
  signal: AbortSignal,
): Promise<ArtifactRef> {
  const url = `${connection.base}/api/artifacts`;
  const headers = { 'content-type': mediaType, ...authorization(connection) };
  const body = bytes as Uint8Array<ArrayBuffer>;
  const response = await connection
    .fetch(url, { method: 'POST', headers, body, signal })
    .catch((error: unknown) => {
      throw fetchError(error, url, 'request');
    });
  if (response.status !== 201) throw await responseError(response);
  return json<ArtifactRef>(response);
}

/**
 * The view with the whole text of everything that is complete: what did not stream before these eyes is fetched. Broken connections are
 * waited out as those of a stream are; what the API no longer has stays with its artifact alone.
 */
export async function withStoredContent(
  calls: Calls,
  view: ConversationView,
  options: ReconnectOptions = {},
): Promise<ConversationView> {
  const texts = new Map<string, string>();
  for (const artifact of missingContent(view)) {
    const text = await storedText(calls, artifact, options);
    if (text !== undefined) texts.set(artifact, text);
  }
  return withContent(view, texts);
}

/** Undefined where it is not there, or the caller's signal aborted. */
async function storedText(
  calls: Calls,
  artifact: string,
  options: ReconnectOptions,
): Promise<string | undefined> {
  async function* once(signal: AbortSignal, onOpen: () => void) {
    const found = await artifactBytes(calls, artifact, signal);
    onOpen();
    yield new TextDecoder().decode(found);
  }
  try {
    for await (const text of reconnecting(once, options)) return text;
  } catch (error) {
    if (!(error instanceof PerdureError) || error.code !== 'not_found') throw error;
  }
  return undefined;
}
