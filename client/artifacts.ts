/** Bytes of artifacts, and the texts that events only refer to. */
import type { ConversationView } from '../contracts/projections/conversation.ts';
import { missingContent, withContent } from '../contracts/projections/stored-content.ts';
import type { Calls } from './calls.ts';
import { bytes, get } from './connection.ts';
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
