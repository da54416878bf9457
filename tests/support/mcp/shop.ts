/**
 * An MCP server of the official package, as a program: `node shop.ts FOLDER [PORT]`. Each call is a line in FOLDER/calls before it is answered,
 * so that a test can count what took effect; FOLDER/words is the description of `look`, read again at SIGHUP.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';
import { serveHttp } from './over-http.ts';

const [folder = '.', port] = process.argv.slice(2);
const calls = join(folder, 'calls');
const words = join(folder, 'words');

const descriptionOfLook = (): string =>
  existsSync(words) ? readFileSync(words, 'utf8') : 'Looks at the shop.';

const inputSchema = z.object({
  /** What happens when the call has taken effect. `die-once`, `hang-once`: at the first such call only. */
  next: z.enum(['answer', 'die', 'die-once', 'hang', 'hang-once']).default('answer'),
});

const TOOLS = {
  look: { readOnlyHint: true },
  pay: {},
  refund: { idempotentHint: true },
} as const;

async function served(name: string, next: string, key: unknown): Promise<string> {
  const before: string = existsSync(calls) ? readFileSync(calls, 'utf8') : '';
  appendFileSync(calls, `${name} ${String(key)}\n`);
  const isFirst = !before.includes(`${name} `);
  if (next === 'die' || (next === 'die-once' && isFirst)) process.exit(7);
  if (next === 'hang' || (next === 'hang-once' && isFirst)) await delay(600_000);
  return `${name} is done by ${process.pid}`;
}

const looks = new Set<{ update(to: { description: string }): void }>();

function shop(): McpServer {
  const server = new McpServer({ name: 'shop', version: '1.0.0' });
  for (const [name, annotations] of Object.entries(TOOLS)) {
    const description = name === 'look' ? descriptionOfLook() : `Does a ${name}.`;
    const registered = server.registerTool(
      name,
      { description, inputSchema, annotations },
      async ({ next }, { mcpReq }) => ({
        content: [
          {
            type: 'text',
            text: await served(name, next, mcpReq._meta?.['perdure/idempotencyKey']),
          },
        ],
      }),
    );
    if (name === 'look') looks.add(registered);
  }
  return server;
}

process.on('SIGHUP', () => {
  for (const look of looks) look.update({ description: descriptionOfLook() });
});

function serve(): void {
  const handler = serveHttp(shop, Number(port), ({ authorization }) =>
    appendFileSync(join(folder, 'authorizations'), `${authorization}\n`),
  );
  process.on('SIGHUP', () => handler.notify.toolsChanged());
}

if (port === undefined) serveStdio(shop);
else serve();
