import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NewEvent } from '../../../contracts/events.ts';
import { AttemptClosed } from '../../../journal/port.ts';
import type { Attempt } from '../../../journal/port.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';
import {
  LATER,
  allEvents,
  answer,
  asksFor,
  claimOf,
  claimed,
  createSession,
  delta,
  deltasOf,
  openStep,
  toolCall,
} from '../support/facts.ts';

export const concurrencyConformance = (dialect: Dialect) =>
  describe('writers at the same time', () => {
    test('are written once, whatever whoever is told of it does', async () => {
      await using database = await dialect.database();
      const journal = await database.open(undefined, () => {
        throw new Error('no figures today');
      });
      const { sessionId, attempt } = await openStep(journal);
      await journal.steps.append(attempt, [delta('a'), delta('b')]);
      expect(deltasOf(await allEvents(journal, sessionId))).toBe('ab');
      await journal.close();
    });

    test('of one session: the numbers have no gap, and after the newer attempt’s claim the older one writes nothing', async () => {
      await using opened = await emptyJournal(dialect);
      const one = opened.journal;
      // SQLite belongs to one process: there the second writer is another caller of the same journal.
      const two = dialect.name === 'postgres' ? await opened.database.open() : one;
      await fc.assert(
        fc.asyncProperty(
          fc.nat({ max: 20 }),
          fc.integer({ min: 1, max: 6 }),
          async (wait, size) => {
            const sessionId = await createSession(one);
            const claim = claimOf(sessionId);
            const write = async (attempt: Attempt, journal: typeof one, mark: string) => {
              for (let i = 0; i < 15; i++)
                await journal.steps.append(
                  attempt,
                  Array.from({ length: size }, () => delta(mark)),
                );
            };
            const first = await claimed(one, claim);
            const old = write(first, one, 'a').catch((error: unknown) => error);
            await new Promise((resolve) => setTimeout(resolve, wait));
            const second = await claimed(two, { ...claim, fence: LATER });
            await write(second, two, 'b');
            await two.steps.finish(second, answer('b'.repeat(15 * size)));
            const refusal = await old;
            if (refusal !== undefined) expect(refusal).toBeInstanceOf(AttemptClosed);
            const events = await allEvents(one, sessionId);
            expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
            expect(deltasOf(events)).toMatch(new RegExp(`^(a{${size}})*b{${15 * size}}$`));
            expect(await one.sessions.rebuild(sessionId)).toBe(false);
          },
        ),
        { numRuns: 8 },
      );
      if (two !== one) await two.close();
    });

    test('with batches over the same sessions in opposite order: nobody fails, nothing is lost', async () => {
      await using opened = await emptyJournal(dialect);
      const one = opened.journal;
      const two = dialect.name === 'postgres' ? await opened.database.open() : one;
      const sessions = await Promise.all(Array.from({ length: 30 }, () => openStep(one)));
      const facts = async (journal: typeof one, order: typeof sessions, mark: string) => {
        for (let round = 0; round < 15; round++) {
          const event = { type: 'session.state' as const, data: { state: 'running' as const } };
          await Promise.all(
            order.map(({ sessionId }) =>
              journal.events.record(sessionId, [{ key: `${mark}:${round}`, event }]),
            ),
          );
        }
      };
      const deltas = async (journal: typeof one, order: typeof sessions) => {
        for (let round = 0; round < 15; round++)
          await Promise.all(
            order.map(({ attempt }) => journal.steps.append(attempt, [delta(`${round};`)])),
          );
      };
      const reversed = sessions.toReversed();
      await Promise.all([
        deltas(one, sessions),
        facts(two, reversed, 'two'),
        facts(one, sessions, 'one'),
      ]);
      for (const { sessionId } of sessions) {
        const events = await allEvents(two, sessionId);
        expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
        expect(events.filter(({ type }) => type === 'session.state')).toHaveLength(30);
        expect(deltasOf(events)).toBe('0;1;2;3;4;5;6;7;8;9;10;11;12;13;14;');
      }
      if (two !== one) await two.close();
    });

    test('in one batch: a fenced-out attempt, a finished and a sealed step are refused alone', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const [superseded, finished, sealed, fine] = await Promise.all(
        Array.from({ length: 4 }, () => openStep(journal)),
      );
      await claimed(
        journal,
        claimOf(superseded!.sessionId, { turn: superseded!.turn, fence: LATER }),
      );
      await journal.steps.finish(finished!.attempt, answer('Done'));
      const { sessionId, turn } = sealed!;
      await journal.steps.seal({
        sessionId,
        turn,
        step: 1,
        cause: 'stop',
        messages: [],
        turnSpend: answer('').spend,
      });
      const appended = [superseded, finished, sealed, fine].map((one) =>
        journal.steps.append(one!.attempt, [delta('x')]),
      );
      const results = await Promise.allSettled(appended);
      expect(
        results.map((result) =>
          result.status === 'rejected' ? (result.reason as AttemptClosed).reason : result.value,
        ),
      ).toEqual(['superseded', 'finished', 'sealed', 4]);
    });

    test('in one batch: a value that the database refuses, or a bug, fails alone', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const steps = await Promise.all(Array.from({ length: 8 }, () => openStep(journal)));
      const [refused, unwritable, nonsense] = [2, 5, 6];
      const results = await Promise.allSettled(
        steps.map(({ attempt }, index) => {
          if (index === refused)
            return journal.steps.finish(attempt, asksFor(toolCall({ timeoutMs: Number.NaN })));
          if (index === nonsense)
            return journal.steps.append(attempt, [
              { type: 'content.completed', data: null } as unknown as NewEvent,
            ]);
          if (index === unwritable)
            return journal.steps.append(attempt, [
              { type: 'content.delta', data: { kind: 'text', text: 1n as unknown as string } },
            ]);
          return journal.steps.append(attempt, [delta('x')]);
        }),
      );
      expect(results[refused]).toMatchObject({ reason: { code: 'invalid_input' } });
      expect(results[unwritable]).toMatchObject({ reason: expect.any(TypeError) });
      expect(results[nonsense]).toMatchObject({ reason: expect.any(TypeError) });
      for (const [index, { sessionId }] of steps.entries()) {
        const failed = [refused, unwritable, nonsense].includes(index);
        expect(results[index]!.status).toBe(failed ? 'rejected' : 'fulfilled');
        expect(deltasOf(await allEvents(journal, sessionId))).toBe(failed ? '' : 'x');
      }
    });

    test('under load: facts go before deltas, but never before what their own session wrote earlier', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const steps = await Promise.all(Array.from({ length: 40 }, () => openStep(journal)));
      const done: string[] = [];
      const writes = steps.flatMap(({ attempt }, index) =>
        Array.from({ length: 20 }, async () => {
          await journal.steps.append(attempt, [delta('x')]);
          done.push(`delta ${index}`);
        }),
      );
      await new Promise((resolve) => setTimeout(resolve, 5));
      const last = steps.at(-1)!;
      writes.push(
        journal.steps
          .finish(last.attempt, answer('x'.repeat(20)))
          .then(() => void done.push('finish')),
      );
      await Promise.all(writes);
      const own = done.slice(0, done.indexOf('finish')).filter((entry) => entry === 'delta 39');
      expect(own).toHaveLength(20);
      expect(deltasOf(await allEvents(journal, last.sessionId))).toBe('x'.repeat(20));
    });
  });
