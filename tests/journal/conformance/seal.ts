import { describe, expect, test } from 'vitest';
import type { NewEvent } from '../../../contracts/events.ts';
import { AttemptClosed } from '../../../journal/port.ts';
import type { Attempt, StepStore } from '../../../journal/port.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';
import { journalWithStep } from '../support/step.ts';
import {
  allEvents,
  answer,
  asksFor,
  claimOf,
  claimed,
  createSession,
  delta,
  openStep,
  sealOf,
  spend,
  toolCall,
  types,
} from '../support/facts.ts';

const FREE = { inputUsdPerMTok: 0, outputUsdPerMTok: 0 };

export const sealConformance = (dialect: Dialect) =>
  describe('sealing a step', () => {
    test('keeps what was streamed as the message, settles the turn and refuses every later write', async () => {
      await using opened = await journalWithStep(dialect);
      const { journal, sessionId, turn, attempt } = opened;
      await journal.steps.append(attempt, [delta('I think ', 'reasoning'), delta('Hel')]);
      const last = journal.steps.append(attempt, [delta('lo')]);
      const sealed = await journal.steps.seal(sealOf(attempt));
      await last;
      expect(sealed).toEqual({ outcome: 'interrupted', spend: spend(0) });
      const events = await allEvents(journal, sessionId);
      expect(events.slice(-4)).toMatchObject([
        { type: 'content.completed', attempt: 1, data: { kind: 'reasoning', text: 'I think ' } },
        { type: 'content.completed', attempt: 1, data: { kind: 'text', text: 'Hello' } },
        { type: 'model.settled', data: { outcome: 'interrupted' } },
        { type: 'turn.settled', turn, data: { outcome: 'interrupted', costUsd: 0 } },
      ]);
      expect((await journal.events.transcript(sessionId)).at(-1)).toMatchObject({
        role: 'assistant',
        partial: true,
        content: [{ type: 'reasoning' }, { type: 'text', text: 'Hello' }],
      });
      await expect(journal.steps.append(attempt, [delta('!')])).rejects.toThrow(
        new AttemptClosed('sealed'),
      );
      const claim = claimOf(sessionId, { turn, fence: { scheduledAt: 9_000, attempt: 1 } });
      expect(await journal.steps.claim(claim)).toEqual({ state: 'superseded' });
      expect(await journal.steps.seal(sealOf(attempt))).toEqual(sealed);
      expect(await allEvents(journal, sessionId)).toEqual(events);
      expect(await journal.sessions.get(sessionId)).toMatchObject({ state: 'waiting', turn: null });
    });

    test('keeps only what the newest attempt streamed, and no message where it streamed nothing', async () => {
      await using opened = await journalWithStep(dialect);
      const { journal, sessionId, turn, attempt } = opened;
      await journal.steps.append(attempt, [delta('void')]);
      await claimed(
        journal,
        claimOf(sessionId, { turn, fence: { scheduledAt: 2_000, attempt: 1 } }),
      );
      await journal.steps.seal(sealOf(attempt));
      expect(types(await allEvents(journal, sessionId)).slice(-2)).toEqual([
        'attempt.superseded',
        'turn.settled',
      ]);
      expect((await journal.events.transcript(sessionId)).map(({ role }) => role)).toEqual([
        'user',
      ]);
    });

    test('says failed where the step could not go on, and the first seal decides', async () => {
      await using opened = await journalWithStep(dialect);
      const { journal, sessionId, attempt } = opened;
      const error = {
        code: 'worker_unavailable',
        message: 'nobody came',
        retryable: true,
      } as const;
      const failed = { outcome: 'failed', spend: spend(0) };
      expect(await journal.steps.seal(sealOf(attempt, { error }))).toEqual(failed);
      expect((await allEvents(journal, sessionId)).at(-1)).toMatchObject({
        type: 'turn.settled',
        data: { outcome: 'failed', error },
      });
      expect(await journal.steps.seal(sealOf(attempt))).toEqual(failed);
    });

    test('tells attempts apart whose writes are in its own transaction', async () => {
      await using opened = await journalWithStep(dialect);
      const { journal, sessionId, turn, attempt } = opened;
      const fence = { scheduledAt: 2_000, attempt: 1 };
      const writes = [
        journal.steps.append(attempt, [delta('void')]),
        journal.steps.claim(claimOf(sessionId, { turn, fence })),
        journal.steps.append({ ...attempt, fence, number: 2 }, [delta('kept')]),
        journal.steps.seal(sealOf(attempt)),
      ];
      await Promise.all(writes);
      const completed = (await allEvents(journal, sessionId)).filter(
        ({ type }) => type === 'content.completed',
      );
      expect(completed.map(({ data }) => data)).toEqual([{ kind: 'text', text: 'kept' }]);
    });

    test('settles a call of the model only where its beginning is in the log and its end is not', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const call = { provider: 'demo', model: 'demo', inputTokens: 1, prices: FREE };
      const started: NewEvent = {
        type: 'model.started',
        data: { provider: 'demo', model: 'demo' },
      };
      const error = { code: 'network_error', message: '', retryable: true } as const;
      const failed: NewEvent = { type: 'model.settled', data: { outcome: 'failed', error } };
      const sealedAfter = async (write: (attempt: Attempt) => Promise<unknown>) => {
        const { sessionId, attempt } = await openStep(journal);
        await write(attempt);
        await journal.steps.seal(sealOf(attempt));
        const log = types(await allEvents(journal, sessionId));
        return log.filter((type) => type.startsWith('model.'));
      };
      const append = (...args: Parameters<StepStore['append']>) => journal.steps.append(...args);
      expect(await sealedAfter(async () => {})).toEqual([]);
      // A summary of the conversation, which is no answer.
      expect(await sealedAfter((attempt) => append(attempt, [], call))).toEqual([]);
      const begun = ['model.started', 'model.settled'];
      expect(await sealedAfter((attempt) => append(attempt, [started], call))).toEqual(begun);
      // Waiting to be tried again, with what it had streamed.
      const retrying = async (attempt: Attempt) => {
        await append(attempt, [started, delta('x')], call);
        await journal.steps.fail(attempt, { events: [failed], error, charged: true });
      };
      expect(await sealedAfter(retrying)).toEqual(begun);
      // Refused as too long, and asked again with less.
      const squeezed = async (attempt: Attempt) => {
        await append(attempt, [started], call);
        await append(attempt, [failed]);
      };
      expect(await sealedAfter(squeezed)).toEqual(begun);
    });

    test('opens and settles a turn whose first step was never claimed', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const claim = claimOf(await createSession(journal));
      await journal.steps.seal(sealOf(claim, { messages: claim.messages }));
      expect(types(await allEvents(journal, claim.sessionId)).slice(1)).toEqual([
        'message.accepted',
        'turn.started',
        'turn.settled',
      ]);
      expect(await journal.steps.claim(claim)).toEqual({ state: 'superseded' });
    });

    test('says how the turn ended where the step had ended it already', async () => {
      await using opened = await journalWithStep(dialect);
      const { journal, sessionId, attempt } = opened;
      await journal.steps.finish(attempt, answer('Hello', 5));
      const events = await allEvents(journal, sessionId);
      expect(await journal.steps.seal(sealOf(attempt))).toEqual({
        outcome: 'completed',
        spend: spend(5),
      });
      expect(await allEvents(journal, sessionId)).toEqual(events);
    });

    test('keeps what was streamed once where it is asked twice at the same time', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, attempt } = await openStep(journal);
      await journal.steps.append(attempt, [delta('Hello')]);
      await Promise.all([journal.steps.seal(sealOf(attempt)), journal.steps.seal(sealOf(attempt))]);
      const completed = (await allEvents(journal, sessionId)).filter(
        ({ type }) => type === 'content.completed',
      );
      expect(completed.map(({ data }) => data)).toEqual([{ kind: 'text', text: 'Hello' }]);
    });

    test.each([1, 2])(
      'settles open calls between two steps, sealed by the number %i',
      async (step) => {
        await using opened = await journalWithStep(dialect);
        const { journal, sessionId, turn, attempt } = opened;
        const calls = [toolCall(), toolCall({ mode: 'worker' })];
        await journal.steps.finish(attempt, asksFor(...calls));
        expect(await journal.sessions.get(sessionId)).toMatchObject({ state: 'waiting_for_tools' });
        const steered = claimOf(sessionId).turn;
        const messages = [
          {
            messageId: steered,
            content: [{ type: 'text' as const, text: 'wait' }],
            policy: 'steer' as const,
          },
        ];
        const sealed = await journal.steps.seal(sealOf({ ...attempt, step }, { messages }));
        expect(sealed).toEqual({ outcome: 'interrupted', spend: spend(0) });
        const events = await allEvents(journal, sessionId);
        expect(types(events).slice(-4)).toEqual([
          'message.accepted',
          'tool.settled',
          'tool.settled',
          'turn.settled',
        ]);
        for (const { callId } of calls) {
          expect(await journal.ledger.get(callId)).toMatchObject({
            state: 'settled',
            outcome: 'interrupted',
          });
        }
        const next = claimOf(sessionId, { turn, step: 2, messages: [] });
        expect(await journal.steps.claim(next)).toEqual({ state: 'superseded' });
        expect(await journal.steps.seal(sealOf({ ...attempt, step }))).toEqual(sealed);
        expect(await allEvents(journal, sessionId)).toEqual(events);
        expect(await journal.sessions.get(sessionId)).toMatchObject({
          state: 'waiting',
          turn: null,
        });
      },
    );
  });
