import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { retryDelayMs } from '../../client/backoff.ts';
import { fetchError, isTransient, NetworkError, responseError } from '../../client/errors.ts';
import { resumed } from '../../client/events/resume.ts';
import { repeated } from '../../client/repeat.ts';
import type { EventTransport } from '../../client/events/transport.ts';
import { ERROR_CODES, ERRORS } from '../../contracts/errors.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { numbered, SESSION } from '../contracts/event-logs.ts';

const failing = (...errors: unknown[]) => {
  let calls = 0;
  return {
    calls: () => calls,
    action: async () => {
      const error = errors[calls];
      calls += 1;
      if (error !== undefined) throw error;
      return 'done';
    },
  };
};
const unreachable = new NetworkError('unreachable', 'nobody');
const options = { forMs: 1_000, retryDelay: () => 1 };

describe('a call', () => {
  test('is made again while the network or the server’s parts fail', async () => {
    const busy = new PerdureError('journal_unavailable');
    const { action, calls } = failing(unreachable, busy, new NetworkError('cut', 'cut'));
    expect(await repeated(action, options)).toBe('done');
    expect(calls()).toBe(4);
  });

  test('is not made again when the answer would be the same', async () => {
    for (const error of [
      new PerdureError('not_found'),
      new PerdureError('session_busy'),
      new NetworkError('protocol', 'a wiki'),
      new Error('a bug'),
    ]) {
      const { action, calls } = failing(error);
      let waits = 0;
      const retryDelay = () => (waits += 1);
      await expect(repeated(action, { forMs: 1_000, retryDelay })).rejects.toBe(error);
      expect(calls()).toBe(1);
      // Whoever is asked for a wait says that there is no connection.
      expect(waits).toBe(0);
    }
  });

  test('is given up with the last error when its time is over', async () => {
    const errors = Array.from({ length: 9 }, (_, index) => new NetworkError('cut', String(index)));
    const { action } = failing(...errors);
    await expect(repeated(action, { forMs: 3, retryDelay: () => 1 })).rejects.toBe(errors[3]);
  });

  test('ends at once when the caller aborts it between two tries', async () => {
    const stop = new AbortController();
    const { action } = failing(unreachable, unreachable);
    const waiting = repeated(action, { forMs: 1e9, retryDelay: () => 1e6, signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});

describe('the wait before another try', () => {
  test('doubles up to five seconds, at least half of it certain', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, luck) => {
          const wait = retryDelayMs(failures, undefined, () => luck);
          const whole = Math.min(5_000, 250 * 2 ** (failures - 1));
          expect(wait).toBeGreaterThanOrEqual(whole / 2);
          expect(wait).toBeLessThanOrEqual(whole);
        },
      ),
    );
  });

  test('is the server’s where that is longer, up to five minutes', () => {
    const asked = (retryAfterMs: number) =>
      new PerdureError('rate_limited', 'slow', { retryAfterMs });
    expect(retryDelayMs(1, asked(60_000))).toBe(60_000);
    expect(retryDelayMs(1, asked(1e9))).toBe(300_000);
    expect(retryDelayMs(9, asked(1), () => 1)).toBe(5_000);
  });
});

describe('an answer that is an error', () => {
  const answer = (status: number, body: unknown, headers: Record<string, string> = {}) =>
    responseError(
      new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers }),
    );

  test.each(ERROR_CODES.filter((code) => ERRORS[code].status !== null))(
    '%s keeps its code, message and field, and is repeated only where that may help',
    async (code) => {
      const status = ERRORS[code].status!;
      const error = await answer(status, { code, detail: 'because', field: 'agent', status });
      expect(error).toMatchObject({ code, message: 'because', field: 'agent' });
      expect(isTransient(error)).toBe(status === 429 || status >= 500);
    },
  );

  test('says how long to wait, in seconds or as a date', async () => {
    const body = { code: 'rate_limited' };
    expect(await answer(429, body, { 'retry-after': '7' })).toMatchObject({ retryAfterMs: 7_000 });
    const past = { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' };
    expect(await answer(429, body, past)).toMatchObject({ retryAfterMs: 0 });
    const wrong = await answer(429, body, { 'retry-after': 'soon' });
    expect(wrong).toMatchObject({ retryAfterMs: undefined });
  });

  test('of a proxy is an unreachable server; of another program, a wrong one', async () => {
    expect(await answer(502, '<html>')).toMatchObject({ kind: 'unreachable' });
    expect(await answer(404, '<html>')).toMatchObject({ kind: 'protocol' });
    expect(await answer(404, { code: 'constructor' })).toMatchObject({ kind: 'protocol' });
    expect(await answer(400, 'null')).toMatchObject({ kind: 'protocol' });
  });
});

describe('what fetch throws', () => {
  test('names the innermost reason', () => {
    const inner = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9'));
    const error = fetchError(
      new TypeError('fetch failed', { cause: inner }),
      'http://a:1/x',
      'request',
    );
    expect(error).toMatchObject({ kind: 'unreachable' });
    expect((error as Error).message).toBe(
      'http://a:1 cannot be reached: connect ECONNREFUSED 127.0.0.1:9',
    );
    const both = new AggregateError([inner, inner]);
    expect(fetchError(both, 'http://a:1', 'body')).toMatchObject({ kind: 'cut' });
    expect(fetchError('odd', 'http://a:1', 'body')).toMatchObject({ kind: 'cut' });
  });

  test('is left alone where the caller aborted', () => {
    const abort = new DOMException('stop', 'AbortError');
    expect(fetchError(abort, 'http://a:1', 'body')).toBe(abort);
  });
});

test('events that a server sends again after a reconnect are given once', async () => {
  const log = numbered([
    { type: 'session.reopened', data: {} },
    { type: 'session.reopened', data: {} },
    { type: 'session.reopened', data: {} },
  ]);
  let connections = 0;
  const forgetful: EventTransport = async function* () {
    connections += 1;
    yield* log.slice(0, connections);
    throw unreachable;
  };
  const events: number[] = [];
  for await (const { seq } of resumed(forgetful, SESSION, { retryDelay: () => 0 })) {
    events.push(seq);
    if (seq === 3) break;
  }
  expect(events).toEqual([1, 2, 3]);
});
