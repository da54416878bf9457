/** Events over plain server-sent events: the cheapest for the server (10 kB a subscriber), and it passes every proxy. */
import type { PerdureEvent } from '../../contracts/events.ts';
import { TIME_LIMITS } from '../../contracts/limits.ts';
import { get } from '../connection.ts';
import type { Connection } from '../connection.ts';
import { fetchError, NetworkError } from '../errors.ts';
import { createSseParser } from './sse-parser.ts';
import type { EventRequest, EventTransport } from './transport.ts';

/** The server pings every 10 s, so three missed pings mean that nobody is there, although the socket still is. */
const SILENCE_MS = 3 * TIME_LIMITS.ssePingMs;

/** @param silenceMs without a byte for this long the connection counts as dead */
export const sseTransport = (connection: Connection, silenceMs = SILENCE_MS): EventTransport =>
  async function* (request) {
    const watch = silenceWatch(request.signal, silenceMs);
    try {
      const response = await open(connection, request, watch.signal);
      request.onOpen?.();
      const parser = createSseParser();
      for await (const chunk of decoded(response)) {
        watch.alive();
        for (const message of parser.push(chunk)) yield eventOf(message.data, response.url);
      }
    } catch (error) {
      throw watch.silent()
        ? new NetworkError('silent', `no sign of life for ${silenceMs} ms`, error)
        : error;
    } finally {
      watch.end();
    }
  };

function open(
  connection: Connection,
  { sessionId, after }: EventRequest,
  signal: AbortSignal,
): Promise<Response> {
  const headers = { accept: 'text/event-stream', 'last-event-id': String(after) };
  return get(connection, `/api/sessions/${sessionId}/events?after=${after}`, { headers, signal });
}

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

function eventOf(data: string, url: string): PerdureEvent {
  try {
    return JSON.parse(data) as PerdureEvent;
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
