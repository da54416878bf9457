/** A server behind Streamable HTTP: the SDK's transport, with bounded answers, and told when an answer's stream breaks off. */
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { FetchLike, JSONRPCMessage, TransportSendOptions } from '@modelcontextprotocol/client';
import { MAX_MCP_MESSAGE_BYTES } from './limits.ts';

/** Stands in the place of an answer that will not come; no code of the protocol. */
export const STREAM_LOST = -32_990;

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
    return super.send(message, { ...options, onRequestStreamEnd });
  }
}

/** Counts what belongs to one message: all of a body, or of a stream what stands between two empty lines. */
function bounded(isStream: boolean): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      const end = isStream ? Math.max(text.lastIndexOf('\n\n'), text.lastIndexOf('\r\n\r\n')) : -1;
      bytes = end < 0 ? bytes + chunk.length : chunk.length - end;
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
