import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { connectionOf } from '../../client/connection.ts';
import { NetworkError } from '../../client/errors.ts';
import { pollTransport } from '../../client/events/poll.ts';
import { resumed } from '../../client/events/resume.ts';
import type { ConnectionNotice, FollowOptions } from '../../client/events/resume.ts';
import { sseTransport } from '../../client/events/sse.ts';
import type { EventTransport } from '../../client/events/transport.ts';
import type { PerdureEvent } from '../../contracts/events.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { logOf, numbered, SESSION, turnScripts } from '../contracts/event-logs.ts';
import { serveEvents, streamBytes } from './event-server.ts';
import type { EventServer, Fate } from './event-server.ts';

const AT_ONCE = { retryDelay: () => 0 };
const sse = ({ url }: EventServer) => sseTransport(connectionOf({ url }));
const poll = ({ url }: EventServer) => pollTransport(connectionOf({ url }));

/** Reads until the log's last event has come. */
async function read(
  transport: EventTransport,
  count: number,
  options: FollowOptions = {},
): Promise<PerdureEvent[]> {
  const events: PerdureEvent[] = [];
  if (count === 0) return events;
  for await (const event of resumed(transport, SESSION, { ...AT_ONCE, ...options })) {
    events.push(event);
    if (events.length === count) break;
  }
  return events;
}

const deltas = (texts: readonly string[]) =>
  numbered(texts.map((text) => ({ type: 'content.delta', data: { kind: 'text', text } })));

/** Characters of one to four bytes, and everything that means something to the stream's syntax. */
const SMALL = deltas(['a\nb é€😀', 'data: x\n\nid: 9\r\n\r\n\u2028']);

describe('an event stream', () => {
  test('cut at any byte gives every event once, in order', async () => {
    const length = streamBytes(SMALL).length;
    const cuts = Array.from({ length: length + 1 }, (_, cutAfter) => cutAfter);
    await using server = await serveEvents(SMALL, (address) => [
      { cutAfter: Number(address.slice(1)) },
    ]);
    const readWithCut = async (cutAfter: number) => {
      const transport = sseTransport(connectionOf({ url: `${server.url}/${cutAfter}` }));
      expect(await read(transport, SMALL.length), `cut after ${cutAfter} bytes`).toEqual(SMALL);
    };
    for (let from = 0; from < cuts.length; from += 50) {
      await Promise.all(cuts.slice(from, from + 50).map(readWithCut));
    }
  });

  test('that comes in pieces of any size means the same', async () => {
    const bytes = streamBytes(SMALL);
    for (let size = 1; size <= 9; size += 1) {
      const pieces = async function* () {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      };
      const headers = { 'content-type': 'text/event-stream' };
      const fetch = async () => new Response(ReadableStream.from(pieces()), { headers });
      const transport = sseTransport(connectionOf({ url: 'http://test', fetch }));
      expect(await read(transport, SMALL.length), `pieces of ${size} bytes`).toEqual(SMALL);
    }
  });

  test('cut again and again, or closed, at random gives exactly the events of the log', async () => {
    const fate: fc.Arbitrary<Fate> = fc.oneof(
      fc.nat(3_000).map((cutAfter) => ({ cutAfter })),
      fc.constant({ close: 'orderly' } as const),
      fc.constant({ status: 503, body: '{"code":"journal_unavailable"}' }),
      fc.constant({ status: 502, body: '<html>bad gateway</html>' }),
    );
    await fc.assert(
      fc.asyncProperty(turnScripts, fc.array(fate, { maxLength: 6 }), async (script, fates) => {
        const log = logOf(script, { faults: true });
        await using server = await serveEvents(log, fates);
        expect(await read(sse(server), log.length)).toEqual(log);
      }),
      { numRuns: 40 },
    );
  });

  test('asks only for what it has not seen, from where the caller begins', async () => {
    const log = deltas(['a', 'b', 'c', 'd']);
    const firstTwo = streamBytes(log.slice(2, 3)).length;
    await using server = await serveEvents(log, [{ cutAfter: firstTwo }]);
    expect(await read(sse(server), 2, { after: 2 })).toEqual(log.slice(2));
    expect(server.asked).toEqual([2, 3]);
  });

  test('goes over holes that pruning left', async () => {
    const log = deltas(['a', 'b', 'c', 'd', 'e']).filter(({ seq }) => seq !== 2 && seq !== 3);
    await using server = await serveEvents(log);
    expect(await read(sse(server), 3)).toEqual(log);
  });

  test('says that it lost the connection, when it tries again, and that it is back', async () => {
    const notices: ConnectionNotice[] = [];
    const log = deltas(['a', 'b']);
    const limited = {
      status: 429,
      headers: { 'retry-after': '2' },
      body: '{"code":"rate_limited"}',
    };
    await using server = await serveEvents(log, [{ cutAfter: 30 }, limited]);
    const asked: unknown[] = [];
    await read(sse(server), 2, {
      onConnection: (notice) => notices.push(notice),
      retryDelay: (_, error) => {
        asked.push(error instanceof PerdureError ? error.retryAfterMs : 0);
        return 0;
      },
    });
    expect(notices.map(({ type }) => type)).toEqual(['lost', 'lost', 'resumed']);
    expect(asked).toEqual([0, 2_000]);
  });

  test('does not mention an orderly close', async () => {
    const notices: ConnectionNotice[] = [];
    const log = deltas(['a', 'b']);
    await using server = await serveEvents(log, [{ close: 'orderly' }, { close: 'orderly' }]);
    const events = resumed(sse(server), SESSION, {
      ...AT_ONCE,
      onConnection: (notice) => notices.push(notice),
    });
    for await (const event of events) if (event.seq === 2) break;
    expect(notices).toEqual([]);
  });

  test.each([
    [404, 'not_found'],
    [401, 'unauthenticated'],
    [410, 'cursor_expired'],
  ])('ends with the API’s own error at %i', async (status, code) => {
    const body = JSON.stringify({ code, detail: 'so it is' });
    await using server = await serveEvents([], [{ status, body }]);
    const error = await read(sse(server), 1).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(PerdureError);
    expect(error).toMatchObject({ code, message: 'so it is' });
    expect(server.asked.length).toBe(1);
  });

  test('ends with a protocol error where another program answers, or the order is wrong', async () => {
    await using other = await serveEvents([], [{ status: 200, body: 'Hello, I am a wiki' }]);
    await expect(read(sse(other), 1)).rejects.toMatchObject({ kind: 'protocol' });
    await using wrong = await serveEvents(deltas(['a', 'b', 'c']).toReversed());
    await expect(read(sse(wrong), 3)).rejects.toBeInstanceOf(NetworkError);
  });

  test('that stays open without a sign of life is given up and opened again', async () => {
    const log = deltas(['a']);
    await using server = await serveEvents(log);
    const stop = new AbortController();
    const transport = sseTransport(connectionOf({ url: server.url }), 100);
    const events: PerdureEvent[] = [];
    const silences: unknown[] = [];
    const onConnection = (notice: ConnectionNotice) => {
      if (notice.type === 'lost') silences.push(notice.error);
      else if (events.length > 0) stop.abort();
    };
    const options = { ...AT_ONCE, signal: stop.signal, onConnection };
    for await (const event of resumed(transport, SESSION, options)) events.push(event);
    expect(events).toEqual(log);
    expect(silences[0]).toMatchObject({ kind: 'silent' });
    expect(server.asked.length).toBeGreaterThan(1);
  });

  test('ends without an error when the caller aborts it, also while it waits to reconnect', async () => {
    const stop = new AbortController();
    const options = {
      signal: stop.signal,
      retryDelay: () => 1e6,
      onConnection: () => stop.abort(),
    };
    const nowhere = sseTransport(connectionOf({ url: 'http://127.0.0.1:9' }));
    expect(await Array.fromAsync(resumed(nowhere, SESSION, options))).toEqual([]);
  });
});

describe('polling', () => {
  test('gives the same events as streaming, page after page, whatever fails in between', async () => {
    const log = deltas(Array.from({ length: 10 }, (_, index) => String(index)));
    const failure = { status: 503, body: '{"code":"journal_unavailable"}' };
    await using server = await serveEvents(log, [failure, { cutAfter: 1e9 }, failure]);
    expect(await read(poll(server), log.length)).toEqual(log);
  });
});
