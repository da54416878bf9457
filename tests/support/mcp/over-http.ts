/** An MCP server behind HTTP on this machine. */
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { createMcpHandler } from '@modelcontextprotocol/server';
import type { McpHttpHandler, McpServer } from '@modelcontextprotocol/server';

/** @param seen is told of each request */
export function serveHttp(
  create: () => McpServer,
  port: number,
  seen: (headers: IncomingHttpHeaders) => void = () => undefined,
): McpHttpHandler {
  const handler = createMcpHandler(create);
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    seen(request.headers);
    const headers = Object.entries(request.headers).map(([key, value]) => [key, String(value)]);
    const hasBody = request.method === 'POST';
    const answer = await handler.fetch(
      new Request(`http://127.0.0.1${request.url}`, {
        method: request.method ?? 'GET',
        headers: headers as [string, string][],
        ...(hasBody && { body: Readable.toWeb(request) as ReadableStream, duplex: 'half' }),
      }),
    );
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    if (answer.body) Readable.fromWeb(answer.body as never).pipe(response);
    else response.end();
  };
  createServer((request, response) => void serve(request, response)).listen(port, '127.0.0.1');
  return handler;
}
