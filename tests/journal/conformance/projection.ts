import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { foldEvents } from '../../../contracts/projections/turns.ts';
import { newId } from '../../../contracts/ids.ts';
import { AttemptClosed } from '../../../journal/port.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';
import { allEvents, createSession, text } from '../support/facts.ts';
import { ACTIONS, script } from '../support/script.ts';

export const projectionConformance = (dialect: Dialect) =>
  describe('the projection', () => {
    test('is what a fold over the log gives, whatever happened', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.constantFrom(...ACTIONS), { minLength: 5, maxLength: 40 }),
          async (actions) => {
            const sessionId = await createSession(journal);
            const perform = script(journal, sessionId);
            for (const action of actions) {
              await perform[action]().catch((error: unknown) =>
                expect(error).toBeInstanceOf(AttemptClosed),
              );
            }
            const before = await journal.sessions.get(sessionId);
            expect(await journal.sessions.rebuild(sessionId)).toBe(false);
            expect(await journal.sessions.get(sessionId)).toEqual(before);
            const events = await allEvents(journal, sessionId);
            expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
            const waiting = await journal.events.queued(sessionId);
            expect(waiting.map(({ messageId }) => messageId)).toEqual(
              foldEvents(events).queue.map(({ messageId }) => messageId),
            );
            const settled = events
              .filter(({ type }) => type === 'tool.settled')
              .map(({ data }) => (data as { callId: string }).callId);
            expect(new Set(settled).size).toBe(settled.length);
          },
        ),
        { numRuns: 25 },
      );
    });

    test('is mended by a rebuild, with the rows of messages that wait no more', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal, database } = opened;
      const sessionId = await createSession(journal);
      const [left, waiting] = [newId('msg'), newId('msg')];
      for (const messageId of [left, waiting])
        await journal.events.record(sessionId, [
          {
            key: messageId,
            event: {
              type: 'message.queued',
              data: { messageId, content: text('wait'), policy: 'enqueue' },
            },
          },
        ]);
      // As releases did that did not see a rejection as the end of the wait.
      await database.execute(`update sessions set details = replace(details, '"${left}",', '')`);
      const error = `'{"error":{"code":"session_closed","message":"","retryable":false},'`;
      await database.execute(
        `update events set type = 'message.rejected', data = replace(data, '{"messageId"', ${error} || '"messageId"') where fact = '${left}'`,
      );
      expect(await journal.events.queued(sessionId)).toMatchObject([{ messageId: waiting }]);
      await journal.sessions.rebuild(sessionId);
      expect(await journal.events.message(sessionId, left)).toBeUndefined();
      expect(await journal.events.message(sessionId, waiting)).toMatchObject({
        state: 'waiting',
        content: text('wait'),
        policy: 'enqueue',
      });
    });

    test('is mended by a rebuild, page by page', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal, database } = opened;
      const sessionId = await createSession(journal);
      const event = { type: 'session.state' as const, data: { state: 'waiting' as const } };
      await journal.events.record(
        sessionId,
        Array.from({ length: 1_100 }, (_, index) => ({ key: `${index}`, event })),
      );
      const before = await journal.sessions.get(sessionId);
      await database.execute(
        `update sessions set state = 'error', open = 0, last_seq = 1, details = '{"queue":[]}'`,
      );
      expect(await journal.sessions.rebuild(sessionId)).toBe(true);
      expect(await journal.sessions.get(sessionId)).toEqual(before);
    });
  });
