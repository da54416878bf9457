/**
 * A model provider over real HTTP for tests and benches, in this process (`startModelServer()`) or in its own
 * (`node tests/support/model-server.ts --port 0`, whose first line of output is `{"url":"http://127.0.0.1:…"}`).
 *
 * Speaks OpenAI chat completions (and so OpenAI-compatible and OpenRouter), OpenAI responses, Anthropic messages and Gemini, by path. What it answers:
 * the next scripted reply if there is one, else what the last user message asks for, which is the same for every repeat of it:
 *   `#LABEL` names the tokens: "LABEL-1 LABEL-2 … "        (default: "token")
 *   `tokens=N` how many, `delay=MS` between two of them     (defaults: the server's)
 *   `hold=N`  after N tokens nothing more comes before `release()`: the answer is not over before a test wants it, on any machine
 *   `stamp`   each token is the epoch time in ms with 3 decimals at which it was written, for measuring lag
 *   `call=NAME{"json":1}` calls a tool, unless its result is there already
 * Control: `GET /requests` (all so far), `GET /count`, `POST /script` (a list of replies, used in order), `POST /reset`.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { lastUser, modelOf, wireFor } from './model-request.ts';
import type { RequestBody } from './model-request.ts';
import type { Frame, ScriptedUsage, Wire, WireReply } from './model-wires.ts';

export type Fault =
  /** An HTTP error instead of a stream. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly message?: string;
      readonly code?: string;
    }
  /** After so many tokens: the socket dies; the body ends politely without a finish; bytes that are no JSON; JSON that is no event; silence. */
  | { readonly kind: 'cut' | 'end' | 'garbage' | 'misshapen' | 'stall'; readonly after: number }
  | {
      readonly kind: 'error-event';
      readonly after: number;
      readonly message: string;
      readonly code: string;
    };

export interface ScriptedReply {
  /** Split into words. */
  readonly text?: string;
  readonly reasoning?: string;
  readonly toolCalls?: readonly {
    readonly name: string;
    /** A string is sent as it is, JSON or not. */
    readonly arguments: unknown;
  }[];
  readonly finishReason?: WireReply['finishReason'];
  /** Null: not reported. */
  readonly usage?: ScriptedUsage | null;
  readonly firstTokenDelayMs?: number;
  readonly tokenDelayMs?: number;
  /** After so many tokens nothing more comes before `release()`. */
  readonly holdAfter?: number;
  readonly fault?: Fault;
}

export interface SeenRequest {
  /** From 1. */
  readonly number: number;
  readonly path: string;
  readonly model: string;
  /** Text of the last user message. */
  readonly user: string;
  /** The whole text that the reply has when nothing cuts it. */
  readonly text: string;
  /** How many tokens were written before the client went away, or all of them. */
  written: number;
  /** True once the reply was written to its end. */
  finished: boolean;
  /** True once the client has closed the connection before that. */
  left: boolean;
  readonly body: unknown;
}

export interface ModelServerOptions {
  readonly port?: number;
  readonly tokens?: number;
  readonly tokenDelayMs?: number;
  readonly firstTokenDelayMs?: number;
  /** Keep request bodies (default); benches turn it off. */
  readonly keepBodies?: boolean;
}

export interface ModelServer extends AsyncDisposable {
  /** Without a path; providers' base URLs are `${url}/v1`. */
  readonly url: string;
  readonly requests: readonly SeenRequest[];
  /** Replies for the next requests, in order. */
  script(...replies: ScriptedReply[]): void;
  /** Replies that hold go on, and later ones no longer hold. */
  release(): void;
  reset(): void;
  close(): Promise<void>;
}

const words = (text: string): string[] => text.match(/\S+\s*|\s+/g) ?? [];

/** What a message asks for, see above. */
function replyTo(body: RequestBody, options: ModelServerOptions): ScriptedReply {
  const { text, answered } = lastUser(body);
  const call = /call=([\w-]+)(\{.*\})/s.exec(text);
  if (call && !answered)
    return { toolCalls: [{ name: call[1] ?? '', arguments: call[2] ?? '{}' }] };
  const label = /#([\w-]+)/.exec(text)?.[1] ?? 'token';
  const count = Number(/tokens=(\d+)/.exec(text)?.[1] ?? options.tokens ?? 20);
  const delay = /delay=(\d+)/.exec(text)?.[1];
  const hold = /hold=(\d+)/.exec(text)?.[1];
  const stamp = /\bstamp\b/.test(text);
  return {
    text: Array.from({ length: count }, (_, i) => (stamp ? STAMP : `${label}-${i + 1} `)).join(''),
    ...(delay === undefined ? {} : { tokenDelayMs: Number(delay) }),
    ...(hold === undefined ? {} : { holdAfter: Number(hold) }),
  };
}

/** Replaced by the time when its token is written. */
const STAMP = '@stamp ';
const now = (): string => `${(performance.timeOrigin + performance.now()).toFixed(3)} `;

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}');
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const encode = (frame: Frame): string => {
  const data = typeof frame.data === 'string' ? frame.data : JSON.stringify(frame.data);
  const stamped = data.replace(STAMP, now);
  return `${frame.event ? `event: ${frame.event}\n` : ''}data: ${stamped}\n\n`;
};

interface Exchange {
  readonly response: ServerResponse;
  readonly wire: Wire;
  readonly reply: ScriptedReply;
  readonly seen: SeenRequest;
  readonly options: ModelServerOptions;
  readonly released: Promise<void>;
}

/** @returns true where the fault ends the reply */
function applyFault(exchange: Exchange, fault: Fault): boolean {
  const { response, wire } = exchange;
  if (fault.kind === 'status' || exchange.seen.written < fault.after) return false;
  if (fault.kind === 'cut') response.destroy();
  else if (fault.kind === 'end') response.end();
  else if (fault.kind === 'garbage') response.end('data: {this is not json\n\n');
  else if (fault.kind === 'misshapen') response.end(encode({ data: { type: 7, choices: 7 } }));
  else if (fault.kind === 'error-event')
    response.end(encode(wire.error(fault.message, fault.code)));
  return true;
}

function sendStatus(exchange: Exchange, fault: Extract<Fault, { kind: 'status' }>): void {
  const body = exchange.wire.errorBody(
    fault.message ?? `scripted status ${fault.status}`,
    fault.code ?? 'scripted',
  );
  exchange.response
    .writeHead(fault.status, {
      'content-type': 'application/json',
      ...fault.headers,
    })
    .end(JSON.stringify(body));
}

async function sendReply(exchange: Exchange): Promise<void> {
  const { response, reply, seen, options } = exchange;
  if (reply.fault?.kind === 'status') return sendStatus(exchange, reply.fault);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  const first = reply.firstTokenDelayMs ?? options.firstTokenDelayMs ?? 0;
  const delay = reply.tokenDelayMs ?? options.tokenDelayMs ?? 0;
  for (const frame of exchange.wire.frames(wireReply(exchange))) {
    if (response.destroyed) return;
    if (reply.fault && applyFault(exchange, reply.fault)) return;
    if (frame.paced) {
      const wait = seen.written === 0 ? first : delay;
      if (wait > 0) await sleep(wait);
      if (seen.written === reply.holdAfter) await exchange.released;
      seen.written++;
    }
    response.write(encode(frame));
  }
  seen.finished = true;
  response.end();
}

function wireReply({ reply, seen }: Exchange): WireReply {
  const tokens = words(reply.text ?? '');
  return {
    model: seen.model,
    id: `r${seen.number}`,
    reasoning: words(reply.reasoning ?? ''),
    tokens,
    toolCalls: (reply.toolCalls ?? []).map(({ name, arguments: input }) => ({
      name,
      arguments: typeof input === 'string' ? input : JSON.stringify(input),
    })),
    finishReason: reply.finishReason ?? 'stop',
    usage:
      reply.usage === undefined
        ? {
            input: Math.ceil(JSON.stringify(seen.body ?? '').length / 4),
            output: tokens.length,
          }
        : reply.usage,
  };
}

/** Starts a provider on a free port of loopback. */
export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  const requests: SeenRequest[] = [];
  const script: ScriptedReply[] = [];
  const gate = Promise.withResolvers<void>();
  const reset = (): void => {
    requests.length = 0;
    script.length = 0;
  };
  const control = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '/';
    if (path === '/requests') return sendJson(response, 200, requests);
    if (path === '/count') return sendJson(response, 200, { count: requests.length });
    if (path === '/script') script.push(...((await readBody(request)) as ScriptedReply[]));
    else if (path === '/reset') reset();
    else return sendJson(response, 404, { error: { message: 'not found' } });
    return sendJson(response, 200, { scripted: script.length });
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    // An upgrade to a WebSocket is a GET, and is not spoken here.
    const wire = request.method === 'POST' ? wireFor(path) : undefined;
    if (!wire) return control(request, response);
    const body = (await readBody(request)) as RequestBody;
    const reply = script.shift() ?? replyTo(body, options);
    const seen: SeenRequest = {
      number: requests.length + 1,
      path,
      model: modelOf(path, body),
      user: lastUser(body).text,
      text: reply.text ?? '',
      written: 0,
      finished: false,
      left: false,
      body: options.keepBodies === false ? undefined : body,
    };
    requests.push(seen);
    response.once('close', () => (seen.left = !response.writableFinished));
    await sendReply({ response, wire, reply, seen, options, released: gate.promise });
  };
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { error: { message: String(error) } });
    });
  });
  // A fleet's connections stay open between turns; Node's 5 s would race with the next request.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    script: (...replies) => void script.push(...replies),
    release: gate.resolve,
    reset,
    close,
    [Symbol.asyncDispose]: close,
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      tokens: { type: 'string', default: '20' },
      delay: { type: 'string', default: '0' },
    },
  });
  const server = await startModelServer({
    port: Number(values.port),
    tokens: Number(values.tokens),
    tokenDelayMs: Number(values.delay),
    keepBodies: false,
  });
  console.log(JSON.stringify({ url: server.url }));
}
