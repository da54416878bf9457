import { describe, expect, test } from 'vitest';
import type { PerdureEvent } from '../../../contracts/events.ts';
import type { SessionId } from '../../../contracts/ids.ts';
import { shownText } from '../support/client-fold.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';
import { journalWithStep } from '../support/step.ts';
import {
  LATER,
  NETWORK,
  allEvents,
  answer,
  asksFor,
  claimOf,
  claimed,
  createSession,
  delta,
  deltasOf,
  openStep,
  spend,
  types,
} from '../support/facts.ts';

export const pruneConformance = (dialect: Dialect) =>
  describe('pruning', () => {
    test('removes entries of the audit that are old enough, the oldest first and so many at once', async () => {
      let now = 1_000;
      await using opened = await emptyJournal(dialect, () => now);
      const { audit } = opened.journal;
      const entry = { tenant: 'acme', user: 'ann', action: 'key.created', details: {} } as const;
      for (const subject of ['a', 'b', 'c', 'd']) {
        await audit.write({ ...entry, subject });
        now += 1_000;
      }
      const kept = async () =>
        (await audit.list({}, { limit: 9 })).items.map(({ subject }) => subject);
      // They are 4, 3, 2 and 1 seconds old.
      expect(await audit.prune({ olderThanMs: 4_000, limit: 9 })).toBe(0);
      expect(await audit.prune({ olderThanMs: 1_500, limit: 2 })).toBe(2);
      expect(await kept()).toEqual(['d', 'c']);
      expect(await audit.prune({ olderThanMs: 1_500, limit: 2 })).toBe(1);
      expect(await audit.prune({ olderThanMs: 1_500, limit: 2 })).toBe(0);
      expect(await kept()).toEqual(['d']);
    });

    test('removes the deltas of settled turns once they are old enough, and changes nothing that is shown', async () => {
      let now = Date.now();
      await using opened = await journalWithStep(dialect, () => now);
      const { journal, sessionId, turn, attempt } = opened;
      await journal.steps.append(attempt, [delta('void')]);
      const second = await claimed(journal, claimOf(sessionId, { turn, fence: LATER }));
      await journal.steps.append(second, [delta('Hel'), delta('lo')]);
      await journal.steps.finish(second, answer('Hello'));
      const open = await openStep(journal);
      await journal.steps.append(open.attempt, [delta('still going')]);
      const before = await allEvents(journal, sessionId);
      expect(await journal.events.prune({ olderThanMs: 3_600_000, limit: 10 })).toBe(0);
      now += 3_600_000;
      expect(await journal.events.prune({ olderThanMs: 3_600_000, limit: 10 })).toBe(0);
      now += 1;
      expect(await journal.events.prune({ olderThanMs: 3_600_000, limit: 10 })).toBe(3);
      expect(await journal.events.prune({ olderThanMs: 3_600_000, limit: 10 })).toBe(0);
      const after = await allEvents(journal, sessionId);
      expect(after).toEqual(before.filter(({ type }) => type !== 'content.delta'));
      expect(shownText(after)).toEqual(shownText(before));
      expect(types(await allEvents(journal, open.sessionId))).toContain('content.delta');
      const page = await journal.events.read(sessionId, { after: 3, limit: 100 });
      expect([page.from, page.to]).toEqual([4, before.at(-1)!.seq]);
      expect(await journal.sessions.rebuild(sessionId)).toBe(false);
    });

    test('takes the turns that were settled first, as many as it is told', async () => {
      let now = Date.now();
      await using opened = await emptyJournal(dialect, () => now);
      const { journal } = opened;
      const deltas = async (sessionId: SessionId) => deltasOf(await allEvents(journal, sessionId));
      const turns: SessionId[] = [];
      for (const words of ['one', 'two', 'three']) {
        const { sessionId, attempt } = await openStep(journal);
        await journal.steps.append(attempt, [delta(words)]);
        await journal.steps.finish(attempt, answer(words));
        turns.push(sessionId);
        now += 1_000;
      }
      expect(await journal.events.prune({ olderThanMs: 0, limit: 2 })).toBe(2);
      expect(await Promise.all(turns.map(deltas))).toEqual(['', '', 'three']);
      expect(await journal.events.prune({ olderThanMs: 0, limit: 2 })).toBe(1);
    });

    test('keeps what one step streamed and only another completed', async () => {
      await using opened = await journalWithStep(dialect);
      const { journal, sessionId, turn, attempt } = opened;
      await journal.steps.append(attempt, [delta('I look it up. ')]);
      await journal.steps.finish(attempt, asksFor());
      const next = await claimed(journal, claimOf(sessionId, { turn, step: 2, messages: [] }));
      await journal.steps.append(next, [delta('Here it is')]);
      await journal.steps.finish(next, answer('Here it is'));
      const before = await allEvents(journal, sessionId);
      expect(await journal.events.prune({ olderThanMs: -1, limit: 10 })).toBe(1);
      const after = await allEvents(journal, sessionId);
      expect(deltasOf(after)).toBe('I look it up. ');
      expect(shownText(after)).toEqual(shownText(before));
    });

    test('keeps what an attempt streamed and never completed', async () => {
      const now = Date.now();
      await using opened = await journalWithStep(dialect, () => now);
      const { journal, sessionId, attempt } = opened;
      await journal.steps.append(attempt, [delta('as far as it came')]);
      const error = { outcome: 'failed' as const, error: NETWORK };
      await journal.steps.finish(attempt, {
        events: [
          { type: 'model.settled', data: error },
          { type: 'turn.settled', data: { ...error, ...spend(0) } },
        ],
        calls: [],
        spend: spend(0),
        result: { ...error, spend: spend(0) },
      });
      const before = await allEvents(journal, sessionId);
      expect(await journal.events.prune({ olderThanMs: -1, limit: 10 })).toBe(0);
      expect(await allEvents(journal, sessionId)).toEqual(before);
    });

    test('goes on under readers, who fold the same text whatever they still find', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const sessionId = await createSession(journal);
      const stop = new AbortController();
      const seen: PerdureEvent[][] = [[], [], []];
      const readers = seen.map(async (list, index) => {
        await new Promise((resolve) => setTimeout(resolve, index * 30));
        for await (const events of journal.events.tail(sessionId, {
          after: 0,
          signal: stop.signal,
        }))
          list.push(...events);
      });
      let pruning = true;
      const pruner = (async () => {
        while (pruning) await journal.events.prune({ olderThanMs: -1, limit: 2 });
      })();
      for (let turn = 0; turn < 10; turn++) {
        const attempt = await claimed(journal, claimOf(sessionId));
        for (let i = 0; i < 10; i++) await journal.steps.append(attempt, [delta(`${i} `)]);
        await journal.steps.finish(attempt, answer('0 1 2 3 4 5 6 7 8 9 '));
      }
      const last = (await journal.sessions.get(sessionId))!.lastSeq;
      await expect
        .poll(() => seen.map((list) => list.at(-1)?.seq), { timeout: 10_000 })
        .toEqual([last, last, last]);
      pruning = false;
      await pruner;
      stop.abort();
      await Promise.all(readers);
      const expected = shownText(await allEvents(journal, sessionId));
      expect(Object.keys(expected)).toHaveLength(10);
      for (const list of seen) {
        expect(shownText(list)).toEqual(expected);
        expect(list.map(({ seq }) => seq)).toEqual(
          list.map(({ seq }) => seq).toSorted((a, b) => a - b),
        );
      }
    });
  });
