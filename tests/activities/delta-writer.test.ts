import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { DeltaWriter } from '../../activities/model/delta-writer.ts';
import { newId } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { NewEvent } from '../../contracts/events.ts';
import { AttemptClosed } from '../../journal/port.ts';
import type { Attempt, Journal } from '../../journal/port.ts';

const attempt: Attempt = {
  sessionId: newId('ses'),
  turn: newId('msg'),
  step: 1,
  fence: { scheduledAt: 1, attempt: 1 },
  number: 1,
};

/** A writer whose appends do what `append` says; the journal's reads find nothing. */
function writerOn(append: (events: readonly NewEvent[]) => Promise<number>, patienceMs?: number) {
  const stops: string[] = [];
  const read = () => Promise.resolve({ events: [], from: 0, to: 0, nextAfter: 0 });
  const journal = {
    steps: { append: (_: Attempt, events: readonly NewEvent[]) => append(events) },
    events: { read },
  } as unknown as Journal;
  const writer = new DeltaWriter({
    begun: {
      provider: 'demo',
      model: 'demo',
      inputTokens: 1,
      prices: { inputUsdPerMTok: 1, outputUsdPerMTok: 1 },
    },
    journal,
    attempt,
    lastSeq: 0,
    patienceMs,
    onStop: (reason) => void stops.push(reason),
  });
  return { writer, stops };
}

const textOf = (events: readonly NewEvent[]): string =>
  events.map((event) => (event.type === 'content.delta' ? event.data.text : '')).join('');

describe('the deltas of a stream', () => {
  it('are written at once, then gathered while an append is under way', async () => {
    const appends: string[] = [];
    const gate = Promise.withResolvers<void>();
    const { writer } = writerOn(async (events) => {
      appends.push(textOf(events));
      await gate.promise;
      return 1;
    });
    await writer.push('text', 'a');
    expect(appends).toEqual(['a']);
    for (const text of ['b', 'c', 'd']) await writer.push('text', text);
    expect(appends).toEqual(['a']);
    gate.resolve();
    await expect.poll(() => appends).toEqual(['a', 'bcd']);
  });

  it('of a slow model are written as they come, also after the beginning went along with the first', async () => {
    const appends: string[] = [];
    const { writer } = writerOn((events) => {
      appends.push(textOf(events));
      return Promise.resolve(1);
    });
    writer.start({ type: 'model.started', data: { provider: 'p', model: 'm' } });
    await writer.push('text', 'a');
    await sleep(60);
    await writer.push('text', 'b');
    await expect.poll(() => appends).toEqual(['a', 'b']);
  });

  it('that were not written yet are handed back at the end, and nothing is written after it', async () => {
    const appends: string[] = [];
    const { writer } = writerOn((events) => {
      appends.push(textOf(events));
      return Promise.resolve(1);
    });
    await writer.push('text', 'a');
    await writer.push('reasoning', 'b');
    await writer.push('text', 'c');
    const rest = await writer.close();
    await writer.push('text', 'd');
    await sleep(60);
    expect(appends.join('') + textOf(rest)).toBe('abc');
  });

  it('of a model that answers at once are written together with the beginning of its call', async () => {
    const appends: string[][] = [];
    const { writer } = writerOn((events) => {
      appends.push(events.map(({ type }) => type));
      return Promise.resolve(1);
    });
    writer.start({ type: 'model.started', data: { provider: 'p', model: 'm' } });
    await writer.push('text', 'a');
    await expect.poll(() => appends).toEqual([['model.started', 'content.delta']]);
  });

  it('do not hold up the beginning of a call for longer than a moment', async () => {
    const appends: string[][] = [];
    const { writer } = writerOn((events) => {
      appends.push(events.map(({ type }) => type));
      return Promise.resolve(1);
    });
    writer.start({ type: 'model.started', data: { provider: 'p', model: 'm' } });
    await expect.poll(() => appends).toEqual([['model.started']]);
  });

  it('hold the stream back while too much is pending', async () => {
    const gate = Promise.withResolvers<number>();
    const { writer } = writerOn(() => gate.promise);
    await writer.push('text', 'first');
    let free = false;
    const pushed = Promise.resolve(writer.push('text', 'x'.repeat(70_000))).then(
      () => (free = true),
    );
    await sleep(20);
    expect(free).toBe(false);
    gate.resolve(1);
    await pushed;
  });

  it('abort the call when the journal stays away', async () => {
    const { writer, stops } = writerOn(
      () => Promise.reject(new PerdureError('journal_unavailable', 'gone')),
      250,
    );
    await writer.push('text', 'a');
    await expect.poll(() => stops, { timeout: 5_000 }).toEqual(['journal']);
  });

  it.each([
    ['sealed', 'sealed'],
    ['finished', 'sealed'],
    ['superseded', 'superseded'],
  ] as const)('abort the call when the step is %s', async (reason, expected) => {
    const { writer, stops } = writerOn(() => Promise.reject(new AttemptClosed(reason)));
    await writer.push('text', 'a');
    await expect.poll(() => stops).toEqual([expected]);
  });
});
