import { describe, expect, test } from 'vitest';
import { eventSchema } from '../../../contracts/events.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';
import {
  allEvents,
  answer,
  claimOf,
  claimed,
  createSession,
  delta,
  types,
  usage,
} from '../support/facts.ts';

export const turnConformance = (dialect: Dialect) =>
  describe('a turn', () => {
    test('goes from the claim to its settlement, gap-free, and every event fits the schema', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const sessionId = await createSession(journal);
      const attempt = await claimed(journal, claimOf(sessionId));
      expect(await journal.steps.append(attempt, [delta('Hel'), delta('lo')])).toBe(5);
      await journal.steps.finish(attempt, answer('Hello', 7));
      const events = await allEvents(journal, sessionId);
      expect(types(events)).toEqual([
        'session.created',
        'message.accepted',
        'turn.started',
        'content.delta',
        'content.delta',
        'content.completed',
        'model.settled',
        'usage.recorded',
        'turn.settled',
      ]);
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
      for (const event of events) expect(eventSchema.parse(event)).toEqual(event);
      expect(await journal.sessions.get(sessionId)).toMatchObject({
        state: 'waiting',
        turns: 1,
        turn: null,
        lastSeq: 9,
        spend: { usage: { outputTokens: 7 }, costUsd: 0.007 },
      });
      expect(await journal.events.transcript(sessionId)).toMatchObject([
        { role: 'user', id: attempt.turn, position: 2, content: [{ text: 'Hello?' }] },
        { role: 'assistant', id: `${attempt.turn}/1`, position: 9, partial: false },
      ]);
    });

    test('shows streaming while the newest step streams, and running otherwise', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const sessionId = await createSession(journal);
      const state = async () => (await journal.sessions.get(sessionId))?.state;
      expect(await state()).toBe('starting');
      const attempt = await claimed(journal, claimOf(sessionId));
      expect(await state()).toBe('running');
      await journal.steps.append(attempt, [delta('x')]);
      expect(await state()).toBe('streaming');
      await journal.steps.fail(attempt, {
        events: [{ type: 'model.settled', data: { outcome: 'interrupted' } }, usage(1)],
        error: { code: 'network_error', message: 'gone', retryable: true },
        charged: true,
      });
      expect(await state()).toBe('running');
    });
  });
