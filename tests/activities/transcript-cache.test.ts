import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TranscriptCache } from '../../activities/model/context/transcript-cache.ts';
import type { SessionId } from '../../contracts/ids.ts';
import type { KnownTranscript } from '../../journal/port.ts';
import { AttemptClosed } from '../../journal/port.ts';
import { emptyJournal, sqlite } from '../journal/support/dialects.ts';
import { answer, claimOf, claimed, createSession } from '../journal/support/facts.ts';
import { ACTIONS, script } from '../journal/support/script.ts';

const WORDS = 'a sentence or two of what somebody said '.repeat(5);

/** What the journal is asked, and with how many rows known already. */
function watching(events: {
  compacted(id: SessionId, known?: KnownTranscript): Promise<KnownTranscript>;
}) {
  const asked: number[] = [];
  return {
    asked,
    compacted: (id: SessionId, known?: KnownTranscript) => {
      asked.push(known?.rows.length ?? 0);
      return events.compacted(id, known);
    },
  };
}

describe('the transcripts that a worker remembers', () => {
  it('are what the journal has, whatever happens to several sessions and however little room there is', async () => {
    await using opened = await emptyJournal(sqlite);
    const { journal } = opened;
    const busy = ['claim', 'answer', 'tools', 'rerun', 'summarize'] as const;
    const move = fc.record({
      session: fc.nat({ max: 2 }),
      action: fc.constantFrom(...ACTIONS, ...busy, ...busy),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(move, { minLength: 40, maxLength: 120 }),
        fc.integer({ min: 10_000, max: 100_000 }),
        async (moves, room) => {
          const cache = new TranscriptCache(room);
          const sessions = await Promise.all([1, 2, 3].map(() => createSession(journal)));
          const scripts = sessions.map((id) => script(journal, id));
          for (const { session, action } of moves) {
            await scripts[session]![action]().catch((error: unknown) =>
              expect(error).toBeInstanceOf(AttemptClosed),
            );
            const id = sessions[session]!;
            const { rows } = await journal.events.compacted(id);
            expect(await cache.read(journal.events, id)).toEqual(rows);
            expect(cache.bytes).toBeLessThanOrEqual(room);
          }
        },
      ),
      { numRuns: 10 },
    );
  });

  it('are read once, and only where they are long', async () => {
    await using opened = await emptyJournal(sqlite);
    const { journal } = opened;
    const sessionId = await createSession(journal);
    const events = watching(journal.events);
    const cache = new TranscriptCache();
    const turn = async () => {
      await journal.steps.finish(await claimed(journal, claimOf(sessionId)), answer(WORDS));
      return cache.read(events, sessionId);
    };
    for (let i = 0; i < 10; i++) await turn();
    expect(events.asked).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 16, 18]);
  });

  it('make room for newer ones, those used longest ago first', async () => {
    await using opened = await emptyJournal(sqlite);
    const { journal } = opened;
    const long = async () => {
      const sessionId = await createSession(journal);
      for (let i = 0; i < 10; i++)
        await journal.steps.finish(await claimed(journal, claimOf(sessionId)), answer(WORDS));
      return sessionId;
    };
    const [one, two, three] = [await long(), await long(), await long()];
    const measure = new TranscriptCache();
    await measure.read(journal.events, one);
    const cache = new TranscriptCache(measure.bytes * 2.5);
    const events = watching(journal.events);
    for (const id of [one, two, one, three, one, two]) await cache.read(events, id);
    expect(events.asked).toEqual([0, 0, 20, 0, 20, 0]);
  });
});
