/** An MCP server that behaves badly, as a program that speaks raw lines: `node stranger.ts HOW`. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const how = process.argv[2] ?? '';
/** What it was given in secret. */
const TOKEN = process.env['TOKEN'] ?? '';

interface Asked {
  readonly id?: string | number;
  readonly method: string;
  readonly params?: { readonly cursor?: string; readonly name?: string };
}

const write = (message: object): void =>
  void process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

const tool = (name: string, more: object = {}): object => ({
  name,
  description: `Tool ${name}.`,
  inputSchema: { type: 'object' },
  ...more,
});

const pattern = (source: string): object => ({
  inputSchema: { type: 'object', properties: { x: { type: 'string', pattern: source } } },
});

const LISTS: Record<string, readonly unknown[]> = {
  'many-tools': Array.from({ length: 1_000 }, (_, index) => tool(`t${index}`)),
  'large-list': Array.from({ length: 100 }, (_, index) =>
    tool(`t${index}`, { description: 'x'.repeat(30_000) }),
  ),
  'bad-tools': [
    tool('good'),
    tool('backtracks', pattern('(?=a)b')),
    tool('not-an-object', { inputSchema: { type: 'string' } }),
    tool('no-schema', { inputSchema: 'none' }),
    tool('deep', { inputSchema: deep(200) }),
    tool('twice'),
    tool('twice', { description: 'Another one.' }),
    tool('same.name'),
    tool('same/name'),
    tool('with.dots'),
    tool('n'.repeat(90)),
    tool('n'.repeat(200)),
    tool('', {}),
    tool('talkative', { description: 'x'.repeat(50_000) }),
    'no tool at all',
  ],
  'tells-token': [
    tool('speak', {
      title: TOKEN,
      description: `Speaks with ${TOKEN}.`,
      inputSchema: {
        type: 'object',
        description: TOKEN,
        properties: { [`with-${TOKEN}`]: { enum: [TOKEN], default: TOKEN } },
      },
      outputSchema: { type: 'object', description: TOKEN },
    }),
    tool(`speak-${TOKEN}`),
    tool('malformed', { inputSchema: { type: TOKEN } }),
  ],
};

function deep(levels: number): object {
  let schema: object = { type: 'object' };
  for (let level = 0; level < levels; level += 1)
    schema = { type: 'object', properties: { inner: schema } };
  return schema;
}

function list(params: Asked['params']): object {
  if (how === 'endless-pages') {
    const page = Number(params?.cursor ?? 0);
    return { tools: [tool(`t${page}`)], nextCursor: `${page + 1}` };
  }
  return { tools: LISTS[how] ?? [tool('speak')] };
}

function call(): object {
  if (how === 'asks-back')
    write({ id: 'mine', method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } });
  if (how === 'large-result')
    return { content: [{ type: 'text', text: 'x'.repeat(20 * 1024 * 1024) }] };
  if (how === 'large-error')
    return { isError: true, content: [{ type: 'text', text: 'e'.repeat(1024 * 1024) }] };
  if (how === 'many-parts')
    return {
      content: Array.from({ length: 200 }, () => [
        { type: 'image', data: 'eA==', mimeType: 'image/png' },
        { type: 'text', text: 'y'.repeat(2_000) },
      ]).flat(),
    };
  if (how === 'tells-token') return { content: [], structuredContent: {} };
  if (how === 'wrong-form') return { content: 'none' };
  return { content: [{ type: 'text', text: 'spoken' }] };
}

function answer({ id, method, params }: Asked): void {
  if (how === 'silent' || id === undefined) return;
  if (method === 'server/discover') {
    if (how === 'dies-when-probed') process.exit(3);
    if (how !== 'slow-to-probe') write({ id, error: { code: -32601, message: 'no such method' } });
    return;
  }
  if (method === 'initialize')
    return write({
      id,
      result: {
        protocolVersion: '2025-06-18',
        capabilities: { tools: { listChanged: true } },
        serverInfo: { name: 'stranger', version: '0' },
      },
    });
  if (method === 'tools/list') return write({ id, result: list(params) });
  if (method === 'tools/call') return write({ id, result: call() });
}

if (how === 'dies-at-once') {
  process.stderr.write(`no such key: ${TOKEN}\n`);
  process.exit(2);
}
if (how === 'garbage') {
  setInterval(() => process.stdout.write('\u0000 this is no JSON {\n{"jsonrpc":"1.0"}\n[]\n'), 5);
}
if (how === 'flood') setInterval(() => process.stdout.write('z'.repeat(1024 * 1024)), 1);
if (how === 'stays') {
  process.on('SIGTERM', () => undefined);
  setInterval(() => undefined, 1_000);
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    stdio: 'ignore',
  });
  process.stderr.write(`child ${child.pid}\n`);
}
createInterface({ input: process.stdin }).on('line', (line) => answer(JSON.parse(line) as Asked));
