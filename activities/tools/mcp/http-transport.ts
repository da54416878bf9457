/** A server behind Streamable HTTP: the SDK's transport, with bounded answers, and told when an answer's stream breaks off. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { FetchLike, JSONRPCMessage, TransportSendOptions } from '@modelcontextprotocol/client';
import { MAX_MCP_MESSAGE_BYTES } from './limits.ts';

/** Stands in the place of an answer that will not come; no code of the protocol. */
export const STREAM_LOST = -32_990;

/** The signal of the call that is being sent: the client of the protocol hands its own on to servers of the newest revision only. */
const calls = new AsyncLocalStorage<AbortSignal>();

/** Once a call is over, its answer's stream is read no further, whether the server ends it or not. */
export async function withinCall<T>(send: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  try {
    return await calls.run(over.signal, send);
  } finally {
    over.abort();
  }
}

const both = (given: AbortSignal | undefined, own: AbortSignal | undefined) =>
  given && own ? AbortSignal.any([given, own]) : (given ?? own);

const requestIdOf = (message: JSONRPCMessage | JSONRPCMessage[]): string | number | undefined =>
  !Array.isArray(message) && 'method' in message && 'id' in message ? message.id : undefined;

class HttpTransport extends StreamableHTTPClientTransport {
  /** The SDK waits for the answer of a request whose stream is gone until its time-out; with a lost server that is half an hour. */
  override async send(
    message: JSONRPCMessage | JSONRPCMessage[],
    options?: TransportSendOptions,
  ): Promise<void> {
    const id = requestIdOf(message);
    if (id === undefined) return super.send(message, options);
    const onRequestStreamEnd = (): void => {
      options?.onRequestStreamEnd?.();
      const error = { code: STREAM_LOST, message: 'the stream of the answer broke off' };
      // After the answer nobody waits for this any more.
      this.onmessage?.({ jsonrpc: '2.0', id, error });
    };
    const requestSignal = both(options?.requestSignal, calls.getStore());
    return super.send(message, { ...options, onRequestStreamEnd, requestSignal });
  }
}

/** What ends an event of a stream; `TAIL_BYTES` of a piece may be the beginning of one. */
const SEPARATORS = ['\n\n', '\r\n\r\n', '\r\r'];
const TAIL_BYTES = 3;

/** @returns where the last whole event of these bytes ends; 0 where none does */
const lastEventEnd = (bytes: Buffer): number =>
  Math.max(
    ...SEPARATORS.map((separator) => {
      const at = bytes.lastIndexOf(separator);
      return at < 0 ? 0 : at + separator.length;
    }),
  );

/** Counts what belongs to one message: all of a body, or of a stream what stands between two empty lines. */
export function bounded(isStream: boolean): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  let tail: Uint8Array = new Uint8Array();
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (isStream) {
        const seen = Buffer.concat([tail, chunk]);
        const end = lastEventEnd(seen);
        if (end > 0) bytes = seen.length - end;
        tail = seen.subarray(Math.max(end, seen.length - TAIL_BYTES));
      }
      if (bytes > MAX_MCP_MESSAGE_BYTES)
        controller.error(new Error(`a message of more than ${MAX_MCP_MESSAGE_BYTES} bytes`));
      else controller.enqueue(chunk);
    },
  });
}

const boundedFetch: FetchLike = async (url, init) => {
  const response = await fetch(url, init);
  if (!response.body) return response;
  const isStream = response.headers.get('content-type')?.includes('text/event-stream') ?? false;
  const { status, statusText, headers } = response;
  return new Response(response.body.pipeThrough(bounded(isStream)), {
    status,
    statusText,
    headers,
  });
};

/** @param headers of every request; a redirect to another origin is not followed, so that they reach nobody else */
export const httpTransport = (
  url: string,
  headers: Readonly<Record<string, string>>,
): StreamableHTTPClientTransport =>
  new HttpTransport(new URL(url), { fetch: boundedFetch, requestInit: { headers } });
