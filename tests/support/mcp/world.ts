/**
 * An MCP server of the official package, as a program: `node world.ts URL [PORT]`. Its tools do to the world at URL (an effect server) what the tools of a
 * worker do there, one for each declaration of how often they may run; one says too much.
 */
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';
import { serveHttp } from './over-http.ts';

const [url = '', port] = process.argv.slice(2);

const ask = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}${path}&pid=${process.pid}`, { headers });

const TOOLS = {
  never: {},
  keyed: { idempotentHint: true },
  read: { readOnlyHint: true },
} as const;

function world(): McpServer {
  const server = new McpServer({ name: 'world', version: '1.0.0' });
  const inputSchema = z.object({ number: z.number().optional() });
  for (const [name, annotations] of Object.entries(TOOLS))
    server.registerTool(
      name,
      { description: 'Has an effect outside.', inputSchema, annotations },
      async (_, { mcpReq }) => {
        const key = String(mcpReq._meta?.['perdure/idempotencyKey']);
        const run = `&tool=${name}&call=${key}`;
        await ask(`/stage?stage=before${run}`);
        await ask(`/effect?${run}`, name === 'keyed' ? { 'idempotency-key': key } : {});
        await ask(`/stage?stage=after${run}`);
        return { content: [{ type: 'text', text: `receipt of ${key}` }] };
      },
    );
  server.registerTool('flood', { description: 'Says too much.', inputSchema }, () => ({
    content: [{ type: 'text', text: 'x'.repeat(50 * 1024 * 1024) }],
  }));
  return server;
}

if (port === undefined) serveStdio(world);
else serveHttp(world, Number(port));
