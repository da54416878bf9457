/** An MCP server of the official package whose tools answer with every kind of content: `node gallery.ts`. */
import { inputRequired, McpServer } from '@modelcontextprotocol/server';
import type { CallToolResult } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

const text = (words: string) => ({ type: 'text' as const, text: words });
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const image = { type: 'image' as const, data: PIXEL, mimeType: 'image/png' };
const base64 = (words: string): string => Buffer.from(words).toString('base64');
const blob = (name: string, mimeType: string, words: string) => ({
  type: 'resource' as const,
  resource: { uri: `file:///${name}`, mimeType, blob: base64(words) },
});

const ANSWERS: Record<string, CallToolResult> = {
  double: { content: [text('{"b":2,"a":1}')], structuredContent: { a: 1, b: 2 } },
  wrapped: { content: [text('two\nlines')], structuredContent: { content: 'two\nlines' } },
  list: { content: [text('{"n":1}'), text('2')], structuredContent: { result: [{ n: 1 }, 2] } },
  wrapped_files: { content: [image], structuredContent: { content: [image] } },
  apart: { content: [text('It is warm.')], structuredContent: { celsius: 36 } },
  silent: { content: [], structuredContent: { celsius: 36 } },
  report: {
    content: [image, text('A dot.'), text(`begin ${'x'.repeat(20_000)} end`)],
    structuredContent: { dots: 1 },
  },
  sound: { content: [{ type: 'audio', data: base64('la'), mimeType: 'audio/wav' }] },
  notes: {
    content: [
      blob('a.json', 'application/json', '{"a":1}'),
      blob('b.md', 'text/markdown; charset=utf-8', '# Ü'),
      { type: 'resource', resource: { uri: 'file:///c.txt', text: 'plain' } },
    ],
  },
  broken_text: {
    content: [
      {
        type: 'resource',
        resource: { uri: 'file:///d.txt', mimeType: 'text/plain', blob: '//79' },
      },
    ],
  },
  failed_json: { isError: true, content: [], structuredContent: { reason: 'no paper' } },
};

function gallery(): McpServer {
  const server = new McpServer({ name: 'gallery', version: '1.0.0' });
  for (const [name, answer] of Object.entries(ANSWERS))
    server.registerTool(
      name,
      { description: `Shows ${name}.`, inputSchema: z.object({}) },
      () => answer,
    );
  server.registerTool(
    'numbers',
    {
      description: 'Counts.',
      inputSchema: z.object({}),
      outputSchema: z.array(z.number()),
    },
    () => ({ content: [text('[1,2]')], structuredContent: [1, 2] }),
  );
  server.registerTool('ask', { description: 'Asks.', inputSchema: z.object({}) }, () =>
    inputRequired({
      inputRequests: {
        name: inputRequired.elicit({
          message: 'Who are you?',
          requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
        }),
      },
    }),
  );
  return server;
}

serveStdio(gallery);
