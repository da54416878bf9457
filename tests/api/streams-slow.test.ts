// A client that does not read, over each transport. Everything goes in lockstep with a client that does read, so that no speed decides.
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { SessionId } from '../../contracts/ids.ts';
import { loggedNumbers, writeFacts } from './support/facts.ts';
import { eventually, startFixture, type Fixture } from './support/fixture.ts';
import {
  eventIn,
  openStream,
  readMessages,
  streamUrl,
  type StreamKind,
} from './support/raw-stream.ts';

/** More than a batch, so that whoever has read the batch before cannot be taken for slow. */
const BUFFER_BYTES = 1_000_000;
const BATCH = { count: 10, bytes: 30_000 };
/** What the kernel holds between two sockets, and what a stream may buffer, with room to spare: beyond it memory is not bounded. */
const MOST_BATCHES = 150;

let patient: Fixture;
let strict: Fixture;
beforeAll(async () => {
  const api = { streamBufferBytes: BUFFER_BYTES };
  patient = await startFixture({ settings: { api, timeouts: { socketPongMs: 600_000 } } });
  strict = await startFixture({ settings: { api, timeouts: { socketPongMs: 50 } } });
});
afterAll(async () => {
  await patient[Symbol.asyncDispose]();
  await strict[Symbol.asyncDispose]();
});

/** A connection that reads nothing until it is told to. */
interface Slow {
  /** What comes until this number has, or the server ends the stream or the connection. */
  rest(last?: number): Promise<{ numbers: number[]; code: string | undefined }>;
  /** True once the server has torn the connection down, which only a write notices while nothing is read. */
  isCut(): Promise<boolean>;
  close(): void;
}
type Open = (product: Fixture, sessionId: SessionId, after?: number) => Promise<Slow>;

const slowStream =
  (kind: StreamKind): Open =>
  async ({ url }, sessionId, after = 0) => {
    const response = await openStream(streamUrl(kind, url, { sessionId, after }));
    const { socket } = response;
    socket.on('error', () => {});
    return {
      async rest(last) {
        const numbers: number[] = [];
        for await (const message of readMessages(response)) {
          const event = eventIn(message);
          if (event) numbers.push(event.seq);
          if (event && event.seq === last) break;
          if (message.event === 'serialized-error') {
            const { data } = JSON.parse(message.data) as { data: { code: string } };
            return { numbers, code: data.code };
          }
        }
        return { numbers, code: undefined };
      },
      async isCut() {
        // Empty lines before a request mean nothing.
        if (!socket.destroyed) socket.write('\r\n');
        return socket.destroyed;
      },
      close: () => response.destroy(),
    };
  };

const slowSocket: Open = async ({ url }, sessionId, after = 0) => {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/trpc`);
  socket.on('error', () => {});
  const numbers: number[] = [];
  let code: string | undefined;
  let onAnswer = () => {};
  socket.on('message', (data) => {
    const text = (data as Buffer).toString();
    const { result, error } = JSON.parse(text === 'PING' ? '{}' : text);
    if (result?.type === 'data') numbers.push(result.data.data.seq);
    code = error?.data.code;
    onAnswer();
  });
  await once(socket, 'open');
  const input = { sessionId, after };
  socket.send(
    JSON.stringify({ id: 1, method: 'subscription', params: { path: 'session.events', input } }),
  );
  await once(socket, 'message');
  socket.pause();
  return {
    rest: (last) =>
      new Promise((resolve) => {
        onAnswer = () => {
          if (code !== undefined || (last !== undefined && numbers.at(-1) === last))
            resolve({ numbers, code });
        };
        socket.on('close', () => resolve({ numbers, code }));
        socket.resume();
        onAnswer();
      }),
    async isCut() {
      if (socket.readyState === WebSocket.OPEN) socket.send('PONG', () => {});
      return socket.readyState !== WebSocket.OPEN;
    },
    close: () => socket.terminate(),
  };
};

/** One that reads everything at once, over one connection. */
function goodReader({ url }: Fixture, kind: StreamKind, sessionId: SessionId) {
  const numbers: number[] = [];
  let stop = () => {};
  const done = (async () => {
    const response = await openStream(streamUrl(kind, url, { sessionId }));
    stop = () => response.destroy();
    for await (const message of readMessages(response)) {
      const event = eventIn(message);
      if (event) numbers.push(event.seq);
    }
  })();
  return { numbers, done, stop: () => stop() };
}

const slowClosed = async ({ registry }: Fixture): Promise<number> =>
  Number(
    /perdure_closed_streams_total\{reason="slow"\} (\d+)/.exec(await registry.metrics())?.[1] ?? 0,
  );

/** Writes until the server has had enough of the slow one; after each batch the good readers have all of it. */
async function floodUntilClosed(
  product: Fixture,
  sessionId: SessionId,
  readers: readonly { readonly numbers: readonly number[] }[],
): Promise<void> {
  const before = await slowClosed(product);
  for (let batches = 0; (await slowClosed(product)) === before; batches += 1) {
    expect(batches, 'a slow reader is buffered without a bound').toBeLessThan(MOST_BATCHES);
    await writeFacts(product, sessionId, BATCH);
    const { lastSeq } = (await product.journal.sessions.get(sessionId))!;
    await eventually(
      () => Promise.resolve(readers),
      (all) => all.every(({ numbers }) => numbers.at(-1) === lastSeq),
    );
  }
}

const newSession = async ({ send }: Fixture): Promise<SessionId> =>
  (await send('POST', '/api/sessions', { body: {} })).body.sessionId;

const OPENERS: [name: string, open: Open, code: string | undefined][] = [
  // Plain SSE has no word for it: the connection ends.
  ['plain SSE', slowStream('plain SSE'), undefined],
  ['tRPC over SSE', slowStream('tRPC over SSE'), 'resource_exhausted'],
  ['tRPC over a WebSocket', slowSocket, 'resource_exhausted'],
];

describe.each(OPENERS)('over %s', (_, open, code) => {
  test('a client that does not read is cut off alone, and resumes; others notice nothing', async () => {
    const sessionId = await newSession(patient);
    const readers = (['plain SSE', 'tRPC over SSE'] as const).map((kind) =>
      goodReader(patient, kind, sessionId),
    );
    const slow = await open(patient, sessionId);
    await floodUntilClosed(patient, sessionId, readers);
    const head = await slow.rest();
    slow.close();
    const logged = await loggedNumbers(patient, sessionId);
    for (const { numbers } of readers) expect(numbers).toEqual(logged);
    expect(head.code).toBe(code);
    expect(head.numbers.length).toBeLessThan(logged.length);
    expect(head.numbers).toEqual(logged.slice(0, head.numbers.length));
    const again = await open(patient, sessionId, head.numbers.at(-1));
    const { numbers } = await again.rest(logged.at(-1));
    again.close();
    expect([...head.numbers, ...numbers]).toEqual(logged);
    for (const { stop, done } of readers) {
      stop();
      await done;
    }
  });

  test('one that goes on not reading loses its connection', async () => {
    const sessionId = await newSession(strict);
    const slow = await open(strict, sessionId);
    await floodUntilClosed(strict, sessionId, []);
    await eventually(
      () => slow.isCut(),
      (cut) => cut,
    );
    slow.close();
    await eventually(
      () => strict.registry.metrics(),
      (text) => /perdure_open_streams 0/.test(text),
    );
  });
});
