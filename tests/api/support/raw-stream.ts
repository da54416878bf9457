/** Server-sent events as they come over HTTP, plain or from a tRPC subscription, for tests that cut, pause or look at the raw stream. */
import { get, type IncomingMessage } from 'node:http';
import { createSseParser, type SseMessage } from '../../../client/events/sse-parser.ts';
import type { PerdureEvent } from '../../../contracts/events.ts';

export type StreamKind = 'plain SSE' | 'tRPC over SSE';

/** Where a session's events after a number stream from. */
export function streamUrl(
  kind: StreamKind,
  url: string,
  { sessionId, after = 0 }: { sessionId: string; after?: number },
): string {
  if (kind === 'plain SSE') return `${url}/api/sessions/${sessionId}/events?after=${after}`;
  return `${url}/trpc/session.events?input=${encodeURIComponent(JSON.stringify({ sessionId, after }))}`;
}

/** The response of a stream, paused: nothing is read before somebody does. */
export function openStream(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { accept: 'text/event-stream' };
    get(url, { headers, agent: false }, resolve).on('error', reject);
  });
}

/** Every message until the stream ends, politely or not, or so many bytes have come: then the connection is destroyed. */
export async function* readMessages(
  response: IncomingMessage,
  bytes = Number.POSITIVE_INFINITY,
): AsyncGenerator<SseMessage, void> {
  const parser = createSseParser();
  const decoder = new TextDecoder();
  let left = bytes;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      yield* parser.push(decoder.decode(chunk.subarray(0, left), { stream: true }));
      left -= chunk.length;
      if (left <= 0) return;
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ECONNRESET' && code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  } finally {
    response.destroy();
  }
}

/** The session's event in a message; undefined for the other messages of tRPC. */
export const eventIn = ({ event, data }: SseMessage): PerdureEvent | undefined =>
  event === 'message' ? (JSON.parse(data) as PerdureEvent) : undefined;
