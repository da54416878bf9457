/**
 * A process: the model of all benches, an OpenAI-compatible server that answers with as many tokens and as fast as the
 * last message asks. A process of its own, so that pacing tokens costs neither the floor nor the product anything.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { clock, parseCall, parsePrompt, tokenText } from './script.ts';
import type { CallPrompt, Prompt } from './script.ts';

/** One timer for all streams: a thousand timers of their own would cost more than the tokens. */
const TICK_MS = 4;
const MS_PER_SECOND = 1_000;
const BYTES_PER_TOKEN = 4;

interface Stream {
  readonly response: ServerResponse;
  readonly prompt: Prompt;
  readonly startedAt: number;
  readonly inputTokens: number;
  sent: number;
}

const paced = new Set<Stream>();

const server = createServer((request, response) => {
  void answer(request, response).catch((error: unknown) => response.destroy(error as Error));
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address && typeof address === 'object') process.send?.({ port: address.port });
});
setInterval(tick, TICK_MS);
process.on('disconnect', () => process.exit(0));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const last = lastMessage(body);
  const prompt = parsePrompt(last.text) ?? { tokens: 20, perSecond: 0 };
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.socket?.setNoDelay(true);
  const inputTokens = Math.ceil(body.length / BYTES_PER_TOKEN);
  const call = last.answered ? undefined : parseCall(last.text);
  if (call) return sendCall(response, call);
  const stream: Stream = { response, prompt, startedAt: clock(), inputTokens, sent: 0 };
  sendToken(stream);
  if (prompt.perSecond === 0) rush(stream);
  else {
    paced.add(stream);
    response.on('close', () => paced.delete(stream));
  }
}

interface LastMessage {
  readonly text: string;
  /** Whether a tool has answered since. */
  readonly answered: boolean;
}

function lastMessage(body: Buffer): LastMessage {
  const { messages } = JSON.parse(body.toString()) as {
    messages: { role: string; content: unknown }[];
  };
  const index = messages.findLastIndex(({ role }) => role === 'user');
  // As it was written: JSON in JSON would have its quotes escaped.
  const content = messages[index]?.content ?? '';
  return {
    text: typeof content === 'string' ? content : JSON.stringify(content),
    answered: messages.slice(index + 1).some(({ role }) => role === 'tool'),
  };
}

function sendCall(response: ServerResponse, { tool, input }: CallPrompt): void {
  const call = { name: tool, arguments: JSON.stringify(input) };
  const delta = {
    role: 'assistant',
    tool_calls: [{ index: 0, id: 'c1', type: 'function', function: call }],
  };
  const chunk = (choice: object): string =>
    `data: ${JSON.stringify({ id: 'bench', object: 'chat.completion.chunk', created: 1, model: 'bench', choices: [{ index: 0, ...choice }] })}\n\n`;
  const usage = '{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}';
  response.end(
    `${chunk({ delta, finish_reason: null })}${chunk({ delta: {}, finish_reason: 'tool_calls' })}` +
      `data: {"id":"bench","object":"chat.completion.chunk","created":1,"model":"bench","choices":[],"usage":${usage}}\n\ndata: [DONE]\n\n`,
  );
}

/** Each token in a turn of the event loop of its own, as a socket would deliver them. */
function rush(stream: Stream): void {
  if (stream.sent >= stream.prompt.tokens) return end(stream);
  setImmediate(() => {
    sendToken(stream);
    rush(stream);
  });
}

function tick(): void {
  const now = clock();
  for (const stream of paced) {
    const { tokens, perSecond } = stream.prompt;
    const due = 1 + Math.floor(((now - stream.startedAt) * perSecond) / MS_PER_SECOND);
    while (stream.sent < Math.min(due, tokens)) sendToken(stream);
    if (stream.sent >= tokens) {
      paced.delete(stream);
      end(stream);
    }
  }
}

function sendToken(stream: Stream): void {
  stream.sent += 1;
  const content = tokenText(stream.sent, clock());
  stream.response.write(
    `data: {"id":"bench","object":"chat.completion.chunk","created":1,"model":"bench","choices":[{"index":0,"delta":{"role":"assistant","content":"${content}"},"finish_reason":null}]}\n\n`,
  );
}

function end({ response, prompt, inputTokens }: Stream): void {
  const usage = `{"prompt_tokens":${inputTokens},"completion_tokens":${prompt.tokens},"total_tokens":${inputTokens + prompt.tokens}}`;
  response.end(
    `data: {"id":"bench","object":"chat.completion.chunk","created":1,"model":"bench","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n` +
      `data: {"id":"bench","object":"chat.completion.chunk","created":1,"model":"bench","choices":[],"usage":${usage}}\n\ndata: [DONE]\n\n`,
  );
}
