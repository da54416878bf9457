import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newId } from '../../../contracts/ids.ts';
import type { SessionId } from '../../../contracts/ids.ts';
import type { TranscriptMessage } from '../../../contracts/transcript.ts';
import { AttemptClosed } from '../../../journal/port.ts';
import type { Journal, KnownTranscript } from '../../../journal/port.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';
import {
  answer,
  asksFor,
  claimOf,
  claimed,
  createSession,
  spend,
  toolCall,
  withAnother,
} from '../support/facts.ts';
import { ACTIONS, ODD_ACTIONS, script } from '../support/script.ts';
import type { Action } from '../support/script.ts';

/** From all rows, without the journal's help. */
async function compactedByHand(journal: Journal, sessionId: SessionId) {
  const rows = await journal.events.transcript(sessionId);
  const summary = rows.findLast(({ role }) => role === 'summary');
  const through = summary?.role === 'summary' ? summary.through : 0;
  const others = rows.filter(({ role, position }) => role !== 'summary' && position > through);
  return [...(summary ? [summary] : []), ...others];
}

const ALL: readonly Action[] = [
  ...ACTIONS,
  ...ODD_ACTIONS,
  // What changes the transcript, more often.
  ...Array.from({ length: 3 }, () => ['claim', 'answer', 'tools', 'rerun', 'summarize'] as const),
].flat();

export const transcriptConformance = (dialect: Dialect) =>
  describe('a transcript that is known', () => {
    test('is extended to what a reader who knows nothing is given, whatever happened in between', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ action: fc.constantFrom(...ALL), from: fc.nat({ max: 9 }) }), {
            minLength: 10,
            maxLength: 40,
          }),
          async (steps) => {
            const sessionId = await createSession(journal);
            const perform = script(journal, sessionId);
            // Readers who looked at different moments: each is asked again at a moment of its own.
            const readers: (KnownTranscript | undefined)[] = Array.from({ length: 4 });
            for (const { action, from } of steps) {
              await perform[action]().catch((error: unknown) =>
                expect(error).toBeInstanceOf(AttemptClosed),
              );
              if (from >= readers.length) continue;
              const known = await journal.events.compacted(sessionId, readers[from]);
              expect(known.rows).toEqual(await compactedByHand(journal, sessionId));
              readers[from] = known;
            }
            for (const reader of readers) {
              const { rows } = await journal.events.compacted(sessionId, reader);
              expect(rows).toEqual(await compactedByHand(journal, sessionId));
            }
          },
        ),
        { numRuns: 40 },
      );
    });

    test('costs only its new rows: those before are the same objects, and nothing new is the same list', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const sessionId = await createSession(journal);
      const turn = async () =>
        journal.steps.finish(await claimed(journal, claimOf(sessionId)), answer('Hello'));
      await turn();
      const first = await journal.events.compacted(sessionId);
      expect((await journal.events.compacted(sessionId, first)).rows).toBe(first.rows);
      await turn();
      const { rows } = await journal.events.compacted(sessionId, first);
      expect(rows).toHaveLength(4);
      const same = (row: TranscriptMessage, index: number) => row === first.rows[index];
      expect(rows.slice(0, 2).every(same)).toBe(true);
    });

    test('is read again where a step is run again, and follows a row that moves to the end', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const call = toolCall();
      const claim = claimOf(await createSession(journal));
      const { sessionId } = claim;
      const settle = { ...claim, callId: call.callId, giveUp: true };
      const kinds = async (known?: KnownTranscript) => {
        const transcript = await journal.events.compacted(sessionId, known);
        return { transcript, roles: transcript.rows.map(({ role }) => role) };
      };
      await journal.steps.finish(await claimed(journal, claim), asksFor(call));
      await journal.ledger.settle(settle);
      const asked = await kinds();
      expect(asked.roles).toEqual(['user', 'assistant', 'tool']);
      const again = await claimed(journal, withAnother(claim));
      const taken = await kinds(asked.transcript);
      expect(taken.roles).toEqual(['user', 'tool', 'user']);
      await journal.steps.finish(again, asksFor(call));
      await journal.ledger.settle(settle);
      const roles = ['user', 'user', 'assistant', 'tool'];
      expect((await kinds(taken.transcript)).roles).toEqual(roles);
    });

    test('is read again where a new summary speaks of less than the one before', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const sessionId = await createSession(journal);
      for (let turn = 0; turn < 3; turn++)
        await journal.steps.finish(await claimed(journal, claimOf(sessionId)), answer('Hello'));
      const positions = (await journal.events.transcript(sessionId)).map((row) => row.position);
      const attempt = await claimed(journal, claimOf(sessionId));
      const summarized = async (index: number, known?: KnownTranscript) => {
        const data = { beforeTokens: 2, afterTokens: 1, throughMessage: 'x' };
        const event = { type: 'context.compacted' as const, data };
        const summary = {
          text: 'So far',
          through: positions[index]!,
          events: [event],
          spend: spend(0),
        };
        await journal.steps.summarize(attempt, summary);
        return journal.events.compacted(sessionId, known);
      };
      const short = await summarized(5);
      expect(short.rows.map(({ role }) => role)).toEqual(['summary', 'user']);
      expect((await summarized(3, short)).rows).toHaveLength(4);
    });

    test('is refused for an unknown session', async () => {
      await using opened = await emptyJournal(dialect);
      await expect(opened.journal.events.compacted(newId('ses'))).rejects.toMatchObject({
        code: 'not_found',
      });
    });
  });
