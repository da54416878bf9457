/** Sessions of which Temporal has no open run are ended in the workflow's stead, once. */
import { describe, expect, test } from 'vitest';
import type { Fact } from '../../../contracts/activities.ts';
import { newId, type MessageId, type SessionId } from '../../../contracts/ids.ts';
import { AttemptClosed, type Journal } from '../../../journal/port.ts';
import { emptyJournal, type Dialect } from '../support/dialects.ts';
import {
  allEvents,
  answer,
  createSession,
  delta,
  openCalls,
  openStep,
  text,
  toolCall,
  types,
} from '../support/facts.ts';

const queuedFact = (messageId: MessageId): Fact => ({
  key: `queued:${messageId}`,
  event: { type: 'message.queued', data: { messageId, content: text('later'), policy: 'enqueue' } },
});
const reopened: Fact = { key: 'reopened:1', event: { type: 'session.reopened', data: {} } };
const ended: Fact = {
  key: 'ended:1',
  event: { type: 'session.ended', data: { reason: 'stopped' } },
};
const waiting: Fact = {
  key: 'waiting:1',
  event: { type: 'session.state', data: { state: 'waiting' } },
};

const rowOf = async (journal: Journal, sessionId: SessionId) =>
  (await journal.sessions.get(sessionId))!;
const end = async (journal: Journal, sessionId: SessionId) =>
  journal.sessions.endLost(await rowOf(journal, sessionId));

export const lostRunsConformance = (dialect: Dialect) =>
  describe('a session whose run is lost', () => {
    test('is ended once, however many see it: its step sealed, its turn settled, what waited rejected', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, attempt } = await openStep(journal);
      const messageId = newId('msg');
      await journal.events.record(sessionId, [queuedFact(messageId)]);
      await journal.steps.append(attempt, [delta('Hal')]);
      const row = await rowOf(journal, sessionId);
      const rows = await Promise.all([1, 2, 3].map(() => journal.sessions.endLost(row)));
      for (const after of rows)
        expect(after).toMatchObject({
          ...{ state: 'error', endReason: 'error', turn: null, queued: 0 },
          error: { code: 'state_corrupt' },
        });
      const events = await allEvents(journal, sessionId);
      expect(types(events).slice(-5)).toEqual([
        'content.completed',
        'model.settled',
        'turn.settled',
        'message.rejected',
        'session.ended',
      ]);
      expect(events.find(({ type }) => type === 'turn.settled')?.data).toMatchObject({
        outcome: 'failed',
        error: { code: 'state_corrupt' },
      });
      expect(await journal.events.queued(sessionId)).toEqual([]);
      await expect(journal.steps.append(attempt, [delta('f')])).rejects.toThrow(
        new AttemptClosed('sealed'),
      );
    });

    test('is ended between two steps, and while it waits', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId } = await openCalls(journal, toolCall());
      await end(journal, sessionId);
      expect(types(await allEvents(journal, sessionId)).slice(-3)).toEqual([
        'tool.settled',
        'turn.settled',
        'session.ended',
      ]);
      const idle = await createSession(journal);
      await end(journal, idle);
      expect(types(await allEvents(journal, idle))).toEqual(['session.created', 'session.ended']);
    });

    test('is left alone once it has ended, or lives again; and an unknown one is no session', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const sessionId = await createSession(journal);
      const seen = await rowOf(journal, sessionId);
      await journal.events.record(sessionId, [ended]);
      expect(await journal.sessions.endLost(seen)).toMatchObject({ endReason: 'stopped' });
      await journal.events.record(sessionId, [reopened]);
      expect(await journal.sessions.endLost(seen)).toMatchObject({ state: 'waiting' });
      expect(types(await allEvents(journal, sessionId)).at(-1)).toBe('session.reopened');
      // Seen in its present life, it is ended.
      expect(await end(journal, sessionId)).toMatchObject({ endReason: 'error' });
      await expect(journal.sessions.endLost({ sessionId: newId('ses') })).rejects.toMatchObject({
        code: 'not_found',
      });
    });

    test('is found among the open ones in which nothing has happened for a while, page by page', async () => {
      let now = Date.now();
      await using opened = await emptyJournal(dialect, () => now);
      const { journal } = opened;
      const all: SessionId[] = [];
      for (let n = 0; n < 3; n++) all.unshift(await createSession(journal));
      for (const sessionId of all) await journal.events.record(sessionId, [waiting]);
      const closed = await createSession(journal);
      await journal.events.record(closed, [ended]);
      await createSession(journal);
      now += 10_000;
      await journal.events.record(all[2]!, [{ ...waiting, key: 'waiting:2' }]);
      now += 5_000;
      const page = await journal.sessions.quiet(6_000, { limit: 1 });
      expect(page.items).toEqual([await rowOf(journal, all[0]!)]);
      const rest = await journal.sessions.quiet(6_000, { limit: 9, cursor: page.nextCursor! });
      expect(rest).toEqual({ items: [await rowOf(journal, all[1]!)], nextCursor: null });
      expect((await journal.sessions.quiet(15_001, { limit: 9 })).items).toEqual([]);
    });

    test('is looked at again where a turn has moved on since the look', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, attempt } = await openStep(journal);
      const row = await rowOf(journal, sessionId);
      // Its activity outlives the run for a moment, and may end the turn at any moment of this.
      await Promise.allSettled([
        journal.sessions.endLost(row),
        journal.steps.finish(attempt, answer('done')),
      ]);
      expect(await rowOf(journal, sessionId)).toMatchObject({ endReason: 'error', turn: null });
      const settled = types(await allEvents(journal, sessionId)).filter(
        (type) => type === 'turn.settled',
      );
      expect(settled).toHaveLength(1);
    });
  });
