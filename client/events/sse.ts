/** Events over plain server-sent events: the cheapest for the server (10 kB a subscriber), and it passes every proxy. */
import type { PerdureEvent } from '../../contracts/events.ts';
import { TIME_LIMITS } from '../../contracts/limits.ts';
import { get } from '../connection.ts';
import type { Connection } from '../connection.ts';
import { fetchError, NetworkError } from '../errors.ts';
import { createSseParser } from './sse-parser.ts';
import type { EventTransport } from './transport.ts';

/** The server pings every 10 s, so three missed pings mean that nobody is there, although the socket still is. */
const SILENCE_MS = 3 * TIME_LIMITS.ssePingMs;

/** One connection's messages. */
export interface SseRequest {
  /** With its query. */
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly signal: AbortSignal;
  readonly onOpen?: (() => void) | undefined;
  /** Without a byte for this long the connection counts as dead. */
  readonly silenceMs?: number | undefined;
}

/** The data of each message, as JSON. @throws {PerdureError} @throws {NetworkError} */
export async function* sseMessages<T>(
  connection: Connection,
  { path, headers, signal, onOpen, silenceMs = SILENCE_MS }: SseRequest,
): AsyncGenerator<T, void, undefined> {
  const watch = silenceWatch(signal, silenceMs);
  try {
    const accepted = { accept: 'text/event-stream', ...headers };
    const response = await get(connection, path, { headers: accepted, signal: watch.signal });
    onOpen?.();
    const parser = createSseParser();
    for await (const chunk of decoded(response)) {
      watch.alive();
      for (const message of parser.push(chunk)) yield parsed<T>(message.data, response.url);
    }
  } catch (error) {
    throw watch.silent()
      ? new NetworkError('silent', `no sign of life for ${silenceMs} ms`, error)
      : error;
  } finally {
    watch.end();
  }
}

export const sseTransport =
  (connection: Connection, silenceMs?: number): EventTransport =>
  ({ sessionId, after, signal, onOpen }) =>
    sseMessages<PerdureEvent>(connection, {
      path: `/api/sessions/${sessionId}/events?after=${after}`,
      headers: { 'last-event-id': String(after) },
      ...{ signal, onOpen, silenceMs },
    });

async function* decoded(response: Response): AsyncIterable<string> {
  if (!response.headers.get('content-type')?.startsWith('text/event-stream') || !response.body) {
    throw new NetworkError('protocol', `${response.url} did not answer with an event stream`);
  }
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } catch (error) {
    throw fetchError(error, response.url, 'body');
  } finally {
    // Whoever stops iterating closes the connection too; on a broken one this has nothing left to do.
    await reader.cancel().catch(() => {});
  }
}

function parsed<T>(data: string, url: string): T {
  try {
    return JSON.parse(data) as T;
  } catch (error) {
    throw new NetworkError('protocol', `${url} sent an event that is not JSON`, error);
  }
}

/** Aborts when `outer` does, or when nobody said `alive` for so long. */
function silenceWatch(outer: AbortSignal, silenceMs: number) {
  const controller = new AbortController();
  const abort = () => controller.abort(outer.reason);
  let silent = false;
  const expire = () => {
    silent = true;
    controller.abort();
  };
  let timer = setTimeout(expire, silenceMs);
  if (outer.aborted) abort();
  outer.addEventListener('abort', abort);
  return {
    signal: controller.signal,
    silent: () => silent,
    alive() {
      clearTimeout(timer);
      timer = setTimeout(expire, silenceMs);
    },
    end() {
      clearTimeout(timer);
      outer.removeEventListener('abort', abort);
    },
  };
}
