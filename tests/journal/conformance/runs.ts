import { describe, expect, test } from 'vitest';
import type { Effect } from '../../../contracts/tools.ts';
import { NO_SPEND } from '../../../contracts/usage.ts';
import { NOBODY, SOMEBODY } from '../../../journal/port.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';
import { allEvents, openCalls, toolCall } from '../support/facts.ts';

const attempt = (number: number) => ({ scheduledAt: 1_000 * number, attempt: number });

async function openCall(dialect: Dialect, effect: Effect = 'never-retry') {
  const opened = await emptyJournal(dialect);
  const call = toolCall({ mode: 'worker', effect });
  const place = await openCalls(opened.journal, call);
  const ref = { ...place, step: 1, callId: call.callId };
  return {
    ref,
    journal: opened.journal,
    ledger: opened.journal.ledger,
    /** Who may be running it still, as the attempt is told. */
    begin: async (number: number, holder?: string) => {
      const begun = await opened.journal.ledger.begin(ref, attempt(number), holder);
      return begun.state === 'begun' ? begun.earlierHolders : begun.state;
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

export const runsConformance = (dialect: Dialect) =>
  describe('the ledger of calls that workers run', () => {
    test('remembers everybody who may be running a call still', async () => {
      await using call = await openCall(dialect);
      expect(await call.begin(1, 'a')).toEqual([]);
      // Asked again, because the answer was lost.
      expect(await call.begin(1, 'a')).toEqual([]);
      expect(await call.begin(2)).toEqual(['a']);
      expect(await call.begin(3, 'b')).toEqual(['a', SOMEBODY]);
      expect(await call.begin(4, 'c')).toEqual(['a', SOMEBODY, 'b']);
    });

    test('forgets who has left, and nobody else', async () => {
      await using call = await openCall(dialect);
      const { ledger, ref } = call;
      await call.begin(1, 'a');
      await call.begin(2, 'b');
      await ledger.leave(ref.callId, attempt(2), 'b');
      expect(await call.begin(3, 'c')).toEqual(['a']);
      await ledger.leave(ref.callId, attempt(2), 'c');
      expect(await call.begin(4)).toEqual(['a', 'c']);
      await ledger.leave(ref.callId, attempt(4));
      await ledger.leave(ref.callId, attempt(4), 'a');
      await ledger.leave(ref.callId, attempt(4), 'nobody that is known');
      expect(await call.begin(5)).toEqual(['c']);
    });

    test('knows that nobody runs a call whose only holder has left', async () => {
      await using call = await openCall(dialect);
      await call.begin(1, 'a');
      await call.ledger.leave(call.ref.callId, attempt(1), 'a');
      expect(await call.ledger.get(call.ref.callId)).toMatchObject({
        state: 'running',
        holder: NOBODY,
      });
      expect(await call.begin(2, 'b')).toEqual([]);
    });

    test('keeps the progress that its newest attempt reports, until the call is settled', async () => {
      await using call = await openCall(dialect);
      const { ledger, ref, journal } = call;
      const report = (number: number, message: string) =>
        ledger.report(ref.callId, attempt(number), { message, fraction: 0.5 });
      expect(await report(1, 'too early')).toBe(false);
      await call.begin(1);
      expect(await report(1, 'one')).toBe(true);
      await call.begin(2);
      expect(await report(1, 'superseded')).toBe(false);
      expect(await report(2, 'two')).toBe(true);
      await ledger.finish(ref.callId, attempt(2), { outcome: 'completed', result: 1 });
      expect(await report(2, 'too late')).toBe(false);
      const events = await allEvents(journal, ref.sessionId);
      const told = events.filter(({ type }) => type === 'tool.progress');
      expect(told.map(({ data }) => data)).toEqual([
        { callId: ref.callId, message: 'one', fraction: 0.5 },
        { callId: ref.callId, message: 'two', fraction: 0.5 },
      ]);
    });

    test('says of an interrupted call that had begun that it may have taken effect', async () => {
      for (const [effect, begins, words] of [
        ['never-retry', true, 'may or may not have taken effect'],
        ['never-retry', false, 'before the call had a result'],
        ['read', true, 'before the call had a result'],
      ] as const) {
        await using call = await openCall(dialect, effect);
        if (begins) await call.begin(1);
        await call.journal.steps.seal({
          ...call.ref,
          cause: 'interrupt',
          messages: [],
          turnSpend: NO_SPEND,
        });
        const events = await allEvents(call.journal, call.ref.sessionId);
        const settled = events.find(({ type }) => type === 'tool.settled');
        expect(JSON.stringify(settled)).toContain(words);
      }
    });

    test('says that a keyed call whose workers all went away may have taken effect, of one that reads nothing', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const error = { code: 'tool_failed', message: 'No worker.', retryable: false } as const;
      const [keyed, read, waiting] = [
        toolCall({ mode: 'worker' }),
        toolCall({ mode: 'worker', effect: 'read' }),
        toolCall({ mode: 'worker' }),
      ];
      const ref = { ...(await openCalls(journal, keyed, read, waiting)), step: 1 };
      for (const { callId } of [keyed, read])
        await journal.ledger.begin({ ...ref, callId }, attempt(1));
      for (const { callId } of [keyed, read, waiting])
        await journal.ledger.settle({ ...ref, callId, giveUp: true, error });
      const said = (await allEvents(journal, ref.sessionId)).flatMap(({ type, data }) =>
        type === 'tool.settled' && data.outcome === 'failed' ? [data.error.message] : [],
      );
      const doubt = 'No worker. It may or may not have taken effect.';
      expect(said).toEqual([doubt, 'No worker.', 'No worker.']);
    });
  });
