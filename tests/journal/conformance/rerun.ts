import { describe, expect, test } from 'vitest';
import { foldEvents } from '../../../contracts/projections/turns.ts';
import { AttemptClosed } from '../../../journal/port.ts';
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
  spend,
  text,
  toolCall,
  types,
  withAnother,
} from '../support/facts.ts';

/** After a reset of the workflow a step may come again with another input. */
export const rerunConformance = (dialect: Dialect) =>
  describe('a finished step that is run again for another input', () => {
    test('voids what it said', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const claim = claimOf(await createSession(journal));
      const call = toolCall();
      await journal.steps.finish(await claimed(journal, claim), asksFor(call));
      const changed = withAnother(claim);
      const early = { ...changed, fence: claim.fence };
      expect(await journal.steps.claim(early)).toEqual({ state: 'superseded' });
      const again = await journal.steps.claim(changed);
      expect(again).toMatchObject({
        state: 'claimed',
        attempt: { number: 2 },
        interruptions: 0,
        charged: 0,
      });
      expect(types(await allEvents(journal, claim.sessionId)).slice(-3)).toEqual([
        'attempt.superseded',
        'tool.settled',
        'message.accepted',
      ]);
      expect(await journal.ledger.get(call.callId)).toMatchObject({
        state: 'settled',
        outcome: 'interrupted',
      });
      const transcript = await journal.events.transcript(claim.sessionId);
      expect(transcript.map(({ role }) => role)).toEqual(['user', 'tool', 'user']);
    });

    test('stands where the claim does not know all that it has heard: the workflow is older than the journal', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const claim = claimOf(await createSession(journal));
      const both = withAnother(claim);
      await journal.steps.finish(await claimed(journal, both), asksFor(toolCall()));
      const events = await allEvents(journal, claim.sessionId);
      for (const messages of [[], claim.messages, both.messages]) {
        const fence = { scheduledAt: 9_000, attempt: 1 };
        const again = { ...claim, inputDigest: 'third', messages, fence };
        expect(await journal.steps.claim(again)).toMatchObject({ state: 'finished' });
      }
      expect(await allEvents(journal, claim.sessionId)).toEqual(events);
    });

    test('settles its turn anew where that was settled', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const claim = claimOf(await createSession(journal));
      await journal.steps.finish(await claimed(journal, claim), answer('Hello', 5));
      const again = await claimed(journal, withAnother(claim));
      const shown = async () =>
        foldEvents(await allEvents(journal, claim.sessionId)).turns.map(({ outcome, steps }) => ({
          outcome,
          texts: steps.map(({ blocks }) => blocks.map((block) => block.text).join()),
        }));
      expect(await shown()).toEqual([{ outcome: null, texts: [''] }]);
      await journal.steps.append(again, [delta('Good')]);
      await journal.steps.finish(again, answer('Good day', 7));
      expect(await shown()).toEqual([{ outcome: 'completed', texts: ['Good day'] }]);
      expect(await journal.sessions.get(claim.sessionId)).toMatchObject({
        state: 'waiting',
        turn: null,
        spend: spend(12),
      });
    });

    test('takes back the steps that were built on it, finished or sealed', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const claim = claimOf(await createSession(journal));
      const { sessionId, turn } = claim;
      const then = { ...claim, messages: [], fence: LATER };
      const [call, late] = [toolCall(), toolCall()];
      await journal.steps.finish(await claimed(journal, claim), asksFor(call));
      const second = await claimed(journal, { ...then, step: 2 });
      await journal.steps.append(second, [delta('As I said')]);
      await journal.steps.finish(second, asksFor(late));
      const seal = { sessionId, turn, cause: 'interrupt' as const, messages: [] };
      await journal.steps.seal({ ...seal, step: 3, turnSpend: spend(0) });
      const changed = withAnother(claim, 3_000);
      const { fence } = changed;
      const again = await claimed(journal, changed);
      const roles = async () =>
        (await journal.events.transcript(sessionId)).map(({ role }) => role);
      expect(await roles()).toEqual(['user', 'tool', 'tool', 'user']);
      await expect(journal.steps.append(second, [delta('!')])).rejects.toThrow(
        new AttemptClosed('superseded'),
      );
      await journal.steps.finish(again, asksFor(toolCall()));
      // The same input as before, of a step whose outcome no longer counts.
      const third = await journal.steps.claim({ ...then, step: 2, fence });
      expect(third).toMatchObject({ state: 'claimed', attempt: { number: 2 }, interruptions: 0 });
      if (third.state !== 'claimed') return;
      await journal.steps.finish(third.attempt, asksFor(toolCall()));
      await journal.steps.finish(
        await claimed(journal, { ...then, step: 3, fence }),
        answer('Good day'),
      );
      const [shown] = foldEvents(await allEvents(journal, sessionId)).turns;
      expect(shown).toMatchObject({ outcome: 'completed' });
      expect(shown!.steps.map((step) => [step.step, step.calls.length])).toEqual([
        [1, 1],
        [2, 1],
        [3, 0],
      ]);
      expect((await journal.events.transcript(sessionId)).at(-1)).toMatchObject({
        role: 'assistant',
        content: text('Good day'),
      });
    });
  });
