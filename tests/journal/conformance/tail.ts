import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PerdureEvent } from '../../../contracts/events.ts';
import { newId } from '../../../contracts/ids.ts';
import type { SessionId } from '../../../contracts/ids.ts';
import type { Journal } from '../../../journal/port.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';
import { journalWithStep } from '../support/step.ts';
import { allEvents, answer, createSession, delta, openStep } from '../support/facts.ts';

/** Reads a session until `last`, resting after each batch. */
async function follow(
  journal: Journal,
  sessionId: SessionId,
  { after, last, rest }: { after: number; last: Promise<number>; rest?: () => Promise<unknown> },
): Promise<PerdureEvent[]> {
  const stop = new AbortController();
  const seen: PerdureEvent[] = [];
  let end = Infinity;
  const check = () => (seen.at(-1)?.seq ?? after) >= end && stop.abort();
  const ending = (async () => {
    end = await last;
    check();
  })();
  for await (const events of journal.events.tail(sessionId, { after, signal: stop.signal })) {
    seen.push(...events);
    check();
    await rest?.();
  }
  await ending;
  return seen;
}

const iterate = <T>(items: AsyncIterable<T>): AsyncIterator<T> => items[Symbol.asyncIterator]();

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => from + 1 + index);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export const tailConformance = (dialect: Dialect) =>
  describe('a tail', () => {
    test('gives every reader each event once and in order, whenever it joins and wherever it starts', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const reader = fc.record({
        wait: fc.nat({ max: 30 }),
        after: fc.nat({ max: 12 }),
        rest: fc.nat({ max: 3 }),
      });
      const batches = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 5, maxLength: 25 });
      await fc.assert(
        fc.asyncProperty(
          fc.array(reader, { minLength: 1, maxLength: 6 }),
          batches,
          async (readers, sizes) => {
            const { sessionId, attempt } = await openStep(journal);
            const written = Promise.withResolvers<number>();
            const following = readers.map(async ({ wait, after, rest }) => {
              await pause(wait);
              return follow(journal, sessionId, {
                after,
                last: written.promise,
                rest: () => pause(rest),
              });
            });
            let last = 0;
            for (const size of sizes)
              last = await journal.steps.append(
                attempt,
                Array.from({ length: size }, () => delta('x')),
              );
            await pause(15);
            await journal.steps.finish(attempt, answer('x'));
            written.resolve(last + 4);
            for (const [index, seen] of (await Promise.all(following)).entries()) {
              const { after } = readers[index]!;
              expect(seen.map(({ seq }) => seq)).toEqual(numbers(after, Math.max(after, last + 4)));
            }
          },
        ),
        { numRuns: 8 },
      );
    });

    test('hands out exactly what the log holds', async () => {
      await using opened = await journalWithStep(dialect);
      const { journal, sessionId, attempt } = opened;
      const written = Promise.withResolvers<number>();
      const following = follow(journal, sessionId, { after: 0, last: written.promise });
      await pause(20);
      await journal.steps.append(attempt, [delta('\u0000 \ud800 "quoted" 🙂')]);
      await journal.steps.finish(attempt, answer('x'.repeat(40_000), 3));
      written.resolve(8);
      const log = await allEvents(journal, sessionId);
      expect(JSON.parse(JSON.stringify(await following))).toEqual(JSON.parse(JSON.stringify(log)));
    });

    test('of a reader that is slow keeps nothing, and still gives it everything', async () => {
      await using opened = await journalWithStep(dialect);
      const { journal, sessionId, attempt } = opened;
      const written = Promise.withResolvers<number>();
      const slow = Promise.withResolvers<void>();
      const following = follow(journal, sessionId, {
        after: 0,
        last: written.promise,
        rest: () => slow.promise,
      });
      const quick = follow(journal, sessionId, { after: 0, last: written.promise });
      await pause(20);
      let last = 0;
      for (let i = 0; i < 12; i++)
        last = await journal.steps.append(
          attempt,
          Array.from({ length: 500 }, () => delta('x')),
        );
      // More than one read for all watched sessions takes.
      last = await journal.steps.append(
        attempt,
        Array.from({ length: 5_500 }, () => delta('y')),
      );
      slow.resolve();
      written.resolve(last);
      for (const seen of await Promise.all([following, quick])) {
        expect(seen.map(({ seq }) => seq)).toEqual(numbers(0, last));
      }
    });

    test('ends when its signal aborts, before and after it began', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const sessionId = await createSession(journal);
      const stop = new AbortController();
      const tail = iterate(journal.events.tail(sessionId, { after: 1, signal: stop.signal }));
      const next = tail.next();
      await pause(20);
      stop.abort();
      expect((await next).done).toBe(true);
      const again = iterate(journal.events.tail(sessionId, { after: 1, signal: stop.signal }));
      expect((await again.next()).done).toBe(true);
    });

    test('and a page are refused for an unknown session and for numbers that are no longer kept', async () => {
      await using opened = await journalWithStep(dialect);
      const { journal, database, sessionId } = opened;
      await database.execute('update sessions set kept_from = 3');
      const signal = AbortSignal.timeout(10_000);
      const first = (id: SessionId, after: number) =>
        iterate(journal.events.tail(id, { after, signal })).next();
      await expect(first(newId('ses'), 0)).rejects.toMatchObject({ code: 'not_found' });
      await expect(first(sessionId, 1)).rejects.toMatchObject({ code: 'cursor_expired' });
      await expect(journal.events.read(sessionId, { after: 1, limit: 9 })).rejects.toMatchObject({
        code: 'cursor_expired',
      });
      await expect(journal.events.read(newId('ses'), { after: 0, limit: 9 })).rejects.toMatchObject(
        { code: 'not_found' },
      );
      expect((await first(sessionId, 2)).value).toMatchObject([{ seq: 3 }]);
    });

    test('and pages account for a range of numbers', async () => {
      await using opened = await journalWithStep(dialect);
      const { journal, sessionId } = opened;
      const page = async (after: number, limit: number, types?: PerdureEvent['type'][]) => {
        const { events, ...range } = await journal.events.read(sessionId, { after, limit, types });
        return { seqs: events.map(({ seq }) => seq), ...range };
      };
      expect(await page(0, 2)).toEqual({ seqs: [1, 2], from: 1, to: 2, nextAfter: 2 });
      expect(await page(2, 2)).toEqual({ seqs: [3], from: 3, to: 3, nextAfter: 3 });
      expect(await page(7, 2)).toEqual({ seqs: [], from: 8, to: 7, nextAfter: 7 });
      expect(await page(0, 5, ['turn.started'])).toEqual({
        seqs: [3],
        from: 1,
        to: 3,
        nextAfter: 3,
      });
    });
  });
