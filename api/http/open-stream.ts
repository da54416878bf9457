/** One client's stream of server-sent events, and all of them: one timer pings them and ends the old ones. */
import type { FastifyReply } from 'fastify';
import type { ServerResponse } from 'node:http';
import { setMaxListeners } from 'node:events';
import type { ApiContext } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import type { EncodedEvent } from '../events/encoded.ts';
import type { Sink } from '../events/feeds.ts';

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // nginx would gather events otherwise.
  'x-accel-buffering': 'no',
};

type CloseReason = 'slow' | 'age' | 'shutdown' | 'failure' | 'client';

/** All plain streams of this process. */
export class OpenStreams {
  readonly #deps: ApiDeps;
  readonly #open = new Set<OpenStream>();
  readonly #timer: NodeJS.Timeout;

  constructor(deps: ApiDeps) {
    this.#deps = deps;
    const { ssePingMs, sseMaxAgeMs } = deps.settings.timeouts;
    this.#timer = setInterval(() => this.#tick(), Math.min(ssePingMs, sseMaxAgeMs));
    this.#timer.unref();
  }

  /**
   * Begins the answer.
   * @returns undefined where the client has left meanwhile
   * @throws too_many_connections
   */
  open({ principal }: ApiContext, reply: FastifyReply): OpenStream | undefined {
    // It is announced to nobody any more: a place taken for it now would be kept until the stream is old.
    if (reply.raw.destroyed) {
      reply.hijack();
      return undefined;
    }
    const stream = new OpenStream(reply.raw, this.#deps);
    const leave = this.#deps.connections.admit(principal, () => stream.close('shutdown'));
    this.#open.add(stream);
    stream.onClose(() => {
      leave();
      this.#open.delete(stream);
    });
    reply.hijack();
    stream.begin(headersOf(reply));
    return stream;
  }

  close(): void {
    clearInterval(this.#timer);
    for (const stream of this.#open) stream.close('shutdown');
  }

  #tick(): void {
    const oldest = Date.now() - this.#deps.settings.timeouts.sseMaxAgeMs;
    for (const stream of this.#open) {
      if (stream.openedAt <= oldest) stream.close('age');
      else stream.ping();
    }
  }
}

/** What hooks have set already: CORS, request id. */
const headersOf = (reply: FastifyReply): Record<string, string | string[] | number> => ({
  ...(reply.getHeaders() as Record<string, string>),
  ...HEADERS,
});

export class OpenStream implements Sink {
  readonly openedAt = Date.now();
  readonly #raw: ServerResponse;
  readonly #deps: ApiDeps;
  readonly #stop = new AbortController();

  constructor(raw: ServerResponse, deps: ApiDeps) {
    this.#raw = raw;
    this.#deps = deps;
    setMaxListeners(0, this.#stop.signal);
    raw.on('close', () => this.close('client'));
    raw.on('error', () => this.close('client'));
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  onClose(listener: () => void): void {
    this.#stop.signal.addEventListener('abort', listener, { once: true });
  }

  begin(headers: Record<string, string | string[] | number>): void {
    const { socketReconnectMs } = this.#deps.settings.timeouts;
    this.#raw.writeHead(200, headers);
    this.#raw.write(`retry: ${socketReconnectMs}\n\n`);
  }

  write(events: readonly EncodedEvent[], phase: 'backlog' | 'live'): void {
    const text = events.length === 1 ? events[0]!.sse : events.map(({ sse }) => sse).join('');
    this.say(text, phase);
  }

  say(text: string, phase: 'backlog' | 'live' = 'live'): void {
    if (this.signal.aborted) return;
    // Before writing: a burst is no sign of a slow client, what is left of earlier ones is.
    const { streamBufferBytes } = this.#deps.settings.api;
    if (phase === 'live' && this.#raw.writableLength > streamBufferBytes) return this.close('slow');
    this.#raw.write(text);
  }

  ready(): Promise<void> {
    if (this.signal.aborted || !this.#raw.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#raw.off('drain', done);
        this.signal.removeEventListener('abort', done);
        resolve();
      };
      this.#raw.once('drain', done);
      this.signal.addEventListener('abort', done, { once: true });
    });
  }

  ping(): void {
    if (!this.#raw.writableNeedDrain) this.#raw.write(': ping\n\n');
  }

  /** Clients come back by themselves, with the number of the last event that they got. */
  close(reason: CloseReason): void {
    if (this.signal.aborted) return;
    this.#stop.abort();
    if (reason !== 'client') this.#deps.metrics.closedStreams.inc({ reason });
    // A client that does not read would keep a polite end waiting for ever.
    if (reason === 'slow') this.#raw.destroy();
    else this.#raw.end();
  }
}
