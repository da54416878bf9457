import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { eventSchema, type PerdureEvent } from '../../contracts/events.ts';
import type { SessionId } from '../../contracts/ids.ts';
import { readEvents } from './support/event-reader.ts';
import { eventually, startFixture, type Fixture } from './support/fixture.ts';
import { overHttp, overSocket } from './support/trpc.ts';

let product: Fixture;
beforeAll(async () => {
  product = await startFixture({
    worker: true,
    settings: {
      api: { streamBufferBytes: 16_384 },
      timeouts: { ssePingMs: 100, sseMaxAgeMs: 3_000, socketPingMs: 300, socketPongMs: 200 },
    },
  });
});
afterAll(() => product[Symbol.asyncDispose]());

const CUTS = [1, 2, 3, 5, 8, 13, 40];
const MESSAGE = '#cut tokens=60 delay=10';
const settled = (event: PerdureEvent): boolean => event.type === 'turn.settled';

const start = async (message: string): Promise<SessionId> =>
  (await product.send('POST', '/api/sessions', { body: { message } })).body.sessionId;

/** All that the log has, by polling: what every transport must have delivered. */
async function logged(sessionId: string): Promise<number[]> {
  const page = await product.send('GET', `/api/sessions/${sessionId}/events?limit=1000`);
  const events = page.body['events'] as PerdureEvent[];
  for (const event of events) eventSchema.parse(event);
  return events.slice(0, events.findIndex(settled) + 1).map(({ seq }) => seq);
}

test('plain SSE cut again and again delivers every event once and in order', async () => {
  const sessionId = await start(MESSAGE);
  const got: number[] = [];
  let done = false;
  for (let round = 0; !done; round += 1) {
    const stop = new AbortController();
    let left = CUTS[round % CUTS.length] ?? 1;
    const options = { signal: stop.signal, lastEventId: got.at(-1) ?? 0 };
    for await (const { id, event } of readEvents(product.url, sessionId, options)) {
      got.push(id);
      done = settled(event);
      if (done || --left === 0) break;
    }
    stop.abort();
  }
  expect(got).toEqual(await logged(sessionId));
});

test('a tRPC subscription over SSE, stopped and resumed, delivers every event once and in order', async () => {
  const sessionId = await start(MESSAGE);
  const trpc = overHttp(product.url);
  const got: number[] = [];
  let done = false;
  for (let round = 0; !done; round += 1) {
    let left = CUTS[round % CUTS.length] ?? 1;
    await new Promise<void>((resolve, reject) => {
      const subscription = trpc.session.events.subscribe(
        { sessionId, lastEventId: String(got.at(-1) ?? 0) },
        {
          onData({ id, data }) {
            if (done || left === 0) return;
            got.push(Number(id));
            done = settled(data);
            left -= 1;
            if (!done && left > 0) return;
            subscription.unsubscribe();
            resolve();
          },
          onError: reject,
        },
      );
    });
  }
  expect(got).toEqual(await logged(sessionId));
});

test('a tRPC subscription over a WebSocket that is cut resumes by itself without a gap', async () => {
  const sessionId = await start(MESSAGE);
  using socket = overSocket(product.url);
  const got: number[] = [];
  await new Promise<void>((resolve, reject) => {
    socket.trpc.session.events.subscribe(
      { sessionId },
      {
        onData({ id, data }) {
          got.push(Number(id));
          if (CUTS.includes(got.length)) socket.cut();
          if (settled(data)) resolve();
        },
        onError: reject,
      },
    );
  });
  expect(got).toEqual(await logged(sessionId));
});

test('many clients that join one session at different moments all get all of it', async () => {
  const sessionId = await start(MESSAGE);
  const readers = Array.from({ length: 20 }, async (_, index) => {
    await sleep(index * 25);
    const got: number[] = [];
    for await (const { id, event } of readEvents(product.url, sessionId)) {
      got.push(id);
      if (settled(event)) break;
    }
    return got;
  });
  const all = await Promise.all(readers);
  const expected = await logged(sessionId);
  for (const got of all) expect(got).toEqual(expected);
});

test('a stream is ended at its age with an id to resume from', async () => {
  const sessionId = await start('#x tokens=1');
  const got: number[] = [];
  for await (const { id } of readEvents(product.url, sessionId)) got.push(id);
  const after = got.at(-1) ?? 0;
  const sent = product.send('POST', `/api/sessions/${sessionId}/messages`, {
    body: { content: 'on' },
  });
  for await (const { id } of readEvents(product.url, sessionId, { lastEventId: after })) {
    expect(id).toBeGreaterThan(after);
    break;
  }
  expect((await sent).status).toBe(202);
});

test('a quiet stream is pinged', async () => {
  const sessionId = await start('#x tokens=1');
  const response = await fetch(`${product.url}/api/sessions/${sessionId}/events?after=1`, {
    headers: { accept: 'text/event-stream' },
  });
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes(': ping')) break;
  }
  expect(text).toContain('retry: ');
});

/** Events of 30 kB, straight into the log. */
async function flood(sessionId: SessionId, count: number): Promise<void> {
  const message = 'x'.repeat(30_000);
  for (let index = 0; index < count; index += 1)
    await product.journal.events.record(sessionId, [
      {
        key: `flood:${index}`,
        event: {
          type: 'message.rejected',
          data: {
            messageId: 'msg_01jd9rk0x3e8wvz5t2m4q7h6na',
            error: { code: 'internal', message, retryable: false },
          },
        },
      },
    ]);
}

test('a client that does not read is cut off alone, and resumes; others notice nothing', async () => {
  const sessionId = (await product.send('POST', '/api/sessions', { body: {} })).body.sessionId;
  const { hostname, port } = new URL(product.url);
  const slow = connect(Number(port), hostname);
  slow.write(
    `GET /api/sessions/${sessionId}/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`,
  );
  await new Promise((resolve) => slow.once('data', resolve));
  slow.pause();
  const COUNT = 600;
  const reader = (async () => {
    let seen = 0;
    for (let after = 0; seen < COUNT;) {
      for await (const { id, event } of readEvents(product.url, sessionId, {
        lastEventId: after,
      })) {
        expect(id).toBeGreaterThan(after);
        after = id;
        if (event.type === 'message.rejected') seen += 1;
        if (seen === COUNT) break;
      }
    }
    return seen;
  })();
  await flood(sessionId, COUNT);
  expect(await reader).toBe(COUNT);
  await eventually(
    () => product.registry.metrics(),
    (text) => /perdure_closed_streams_total\{reason="slow"\} [1-9]/.test(text),
  );
  slow.destroy();
});

test('Last-Event-ID that is no number, or beyond the head, is refused with its own status', async () => {
  const sessionId = await start('#x tokens=1');
  const ask = (id: string) =>
    product.send('GET', `/api/sessions/${sessionId}/events`, {
      headers: { accept: 'text/event-stream', 'last-event-id': id },
    });
  for (const id of ['abc', '-1', '1.5', '99999999'])
    expect(await ask(id)).toMatchObject({
      status: 400,
      body: { code: 'invalid_input', field: 'after' },
    });
});

test('a WebSocket is pinged, and dropped when no pong comes', async () => {
  const socket = new WebSocket(`${product.url.replace('http', 'ws')}/trpc`);
  const [data] = (await once(socket, 'message')) as [Buffer];
  expect(data.toString()).toBe('PING');
  await once(socket, 'close');
});

test('a socket at another path, or with a name that only points here, is refused before the handshake', async () => {
  const url = product.url.replace('http', 'ws');
  const refusal = async (socket: WebSocket) => {
    socket.on('error', () => {});
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    return response.statusCode;
  };
  expect(await refusal(new WebSocket(`${url}/elsewhere`))).toBe(404);
  expect(await refusal(new WebSocket(`${url}/trpc`, { headers: { host: 'evil.example' } }))).toBe(
    403,
  );
});

test('a context change is pushed to whoever listens', async () => {
  const sessionId = await start('#x tokens=1');
  const trpc = overHttp(product.url);
  const seen: unknown[] = [];
  const subscription = trpc.context.changes.subscribe(undefined, {
    onData: (change) => seen.push(change),
  });
  const set = () => trpc.context.set.mutate({ context: 'window-1', sessionId });
  await eventually(set, () => seen.length > 0);
  subscription.unsubscribe();
  expect(seen[0]).toMatchObject({ context: 'window-1', sessionId });
  const got = await product.send('GET', '/api/active-session?context=window-1');
  expect(got.body).toMatchObject({ context: 'window-1', sessionId });
});

test('no stream, socket or feed is left when the clients are gone', async () => {
  await eventually(
    () => product.registry.metrics(),
    (text) => /perdure_open_streams 0/.test(text),
  );
});
