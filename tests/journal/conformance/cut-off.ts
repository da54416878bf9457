import { describe, expect, test } from 'vitest';
import type { NewEvent } from '../../../contracts/events.ts';
import { estimateTokens } from '../../../contracts/token-estimate.ts';
import { addSpend, addUsage, costOf, NO_SPEND } from '../../../contracts/usage.ts';
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
  openStep,
  sealOf,
  spend,
  types,
  usage,
  withAnother,
} from '../support/facts.ts';

const STARTED: NewEvent = { type: 'model.started', data: { provider: 'demo', model: 'demo' } };

export const cutOffConformance = (dialect: Dialect) => {
  describe('the seal of a call under way', () => {
    test('charges what the call may have cost that it cuts off; what its worker says later adds only the rest', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, attempt } = await openStep(journal);
      const call = {
        provider: 'demo',
        model: 'large',
        inputTokens: 1_000,
        prices: { inputUsdPerMTok: 1, outputUsdPerMTok: 10 },
      };
      const words = 'something that is long enough to be more than a few tokens';
      await journal.steps.append(attempt, [STARTED, delta(words)], call);
      const usage = {
        ...NO_SPEND.usage,
        inputTokens: 1_000,
        outputTokens: estimateTokens(words),
      };
      const charged = { usage, costUsd: costOf(usage, call.prices) };
      const sealed = await journal.steps.seal(sealOf(attempt));
      expect(sealed).toEqual({ outcome: 'interrupted', spend: charged });
      const events = await allEvents(journal, sessionId);
      expect(events.slice(-2)).toMatchObject([
        {
          type: 'usage.recorded',
          attempt: 1,
          data: { provider: 'demo', model: 'large', ...charged },
        },
        { type: 'turn.settled', data: charged },
      ]);
      const spent = async () => (await journal.sessions.get(sessionId))?.spend;
      expect(await spent()).toEqual(charged);
      const said = (more: number) => {
        const all = { ...usage, outputTokens: usage.outputTokens + more };
        return { usage: all, costUsd: costOf(all, call.prices) };
      };
      const worker = { provider: 'demo', model: 'large' };
      // No less than what was charged, and no more than once.
      await journal.steps.chargeAborted(attempt, { ...said(-1), ...worker });
      expect(await allEvents(journal, sessionId)).toEqual(events);
      await journal.steps.chargeAborted(attempt, { ...said(7), ...worker });
      await journal.steps.chargeAborted(attempt, { ...said(7), ...worker });
      expect((await spent())?.usage).toEqual(said(7).usage);
      expect((await spent())?.costUsd).toBeCloseTo(said(7).costUsd, 12);
      expect((await journal.steps.seal(sealOf(attempt))).spend).toEqual(await spent());
    });

    test('charges nothing again that was charged before it', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, turn, attempt } = await openStep(journal);
      const call = {
        provider: 'demo',
        model: 'demo',
        inputTokens: 10,
        prices: { inputUsdPerMTok: 1, outputUsdPerMTok: 1 },
      };
      const error = { code: 'network_error', message: '', retryable: true } as const;
      const charges = async () =>
        types(await allEvents(journal, sessionId)).filter((type) => type === 'usage.recorded');
      // The provider failed, and the step waits for its next attempt.
      await journal.steps.append(attempt, [STARTED, delta('x')], call);
      await journal.steps.fail(attempt, { events: [], error, charged: true, spend: spend(20) });
      const sealed = await journal.steps.seal(sealOf(attempt));
      expect(sealed.spend).toEqual(spend(20));
      expect(await charges()).toEqual([]);
      // A worker that goes away says what its call cost before the step is sealed.
      const second = await claimed(journal, claimOf(sessionId));
      await journal.steps.append(second, [STARTED, delta('x')], call);
      const worker = { provider: 'demo', model: 'demo' };
      await journal.steps.chargeAborted(second, { ...spend(20), ...worker });
      const left = { ...NO_SPEND.usage, inputTokens: 10 };
      expect((await journal.steps.seal(sealOf(second))).spend.usage).toEqual(
        addUsage(left, spend(20).usage),
      );
      expect(await charges()).toHaveLength(2);
      // A step that has said what it cost owes nothing more.
      const third = await claimed(journal, claimOf(sessionId));
      await journal.steps.append(third, [STARTED, delta('x')], call);
      await journal.steps.finish(third, answer('x', 5));
      const before = await allEvents(journal, sessionId);
      await journal.steps.chargeAborted(third, { ...spend(20), ...worker });
      expect(await allEvents(journal, sessionId)).toEqual(before);
      expect(third.turn).not.toBe(turn);
    });

    test('says of the turn what all of its steps cost, each once', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, turn, attempt } = await openStep(journal);
      await journal.steps.finish(attempt, { ...asksFor(), spend: spend(3) });
      const second = await claimed(journal, claimOf(sessionId, { turn, step: 2, messages: [] }));
      await journal.steps.finish(second, { ...asksFor(), spend: spend(4) });
      // The workflow may have counted the step between whose calls it is, or not.
      const sealed = await journal.steps.seal(sealOf(second, { turnSpend: spend(7) }));
      expect(sealed).toEqual({ outcome: 'interrupted', spend: spend(4) });
      expect((await allEvents(journal, sessionId)).at(-1)).toMatchObject({
        type: 'turn.settled',
        data: { outcome: 'interrupted', usage: { outputTokens: 7 } },
      });
    });
  });

  describe('an attempt that takes a step over', () => {
    const CALL = {
      provider: 'demo',
      model: 'large',
      inputTokens: 1_000,
      prices: { inputUsdPerMTok: 1, outputUsdPerMTok: 10 },
    };
    const costing = (words: string) => {
      const usage = { ...NO_SPEND.usage, inputTokens: 1_000, outputTokens: estimateTokens(words) };
      return { usage, costUsd: costOf(usage, CALL.prices) };
    };
    const said = { provider: 'demo', model: 'large', ...spend(50_000) };

    test('charges the call whose worker went away without a word, once, even where that one comes back', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const claim = claimOf(await createSession(journal));
      const first = await claimed(journal, claim);
      await journal.steps.append(first, [STARTED, delta('Hel'), delta('lo')], CALL);
      const lost = costing('Hello');
      const next = await journal.steps.claim({ ...claim, fence: LATER });
      expect(next).toMatchObject({ state: 'claimed', interruptions: 1, spend: lost });
      if (next.state !== 'claimed') return;
      const events = await allEvents(journal, claim.sessionId);
      expect(events.slice(-2)).toMatchObject([
        {
          type: 'usage.recorded',
          attempt: 1,
          data: { provider: 'demo', model: 'large', estimated: true, ...lost },
        },
        { type: 'attempt.superseded', data: { attempt: 1 } },
      ]);
      await journal.steps.chargeAborted(first, said);
      expect(await allEvents(journal, claim.sessionId)).toEqual(events);
      await journal.steps.append(next.attempt, [STARTED], CALL);
      const sum = addSpend(lost, costing(''));
      expect((await journal.steps.seal(sealOf(first))).spend).toEqual(sum);
      expect((await journal.sessions.get(claim.sessionId))?.spend).toEqual(sum);
    });

    test('charges nothing where the worker had said what its call used, or nothing was sent', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const claim = claimOf(await createSession(journal));
      const at = (attempt: number) => ({ ...claim, fence: { scheduledAt: 2_000, attempt } });
      const first = await claimed(journal, claim);
      const second = await journal.steps.claim(at(1));
      expect(second).toMatchObject({ spend: NO_SPEND });
      // Its request was sent, but it could not write so any more.
      await journal.steps.chargeAborted(first, said);
      const third = await claimed(journal, at(2));
      await journal.steps.append(third, [STARTED, delta('x')], CALL);
      await journal.steps.chargeAborted(third, said);
      const spent = addSpend(spend(50_000), spend(50_000));
      expect(await journal.steps.claim(at(3))).toMatchObject({ interruptions: 3, spend: spent });
      expect((await journal.sessions.get(claim.sessionId))?.spend).toEqual(spent);
    });

    test('charges the open call of a later step too, which it takes back', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const claim = claimOf(await createSession(journal));
      const { sessionId, turn } = claim;
      await journal.steps.finish(await claimed(journal, claim), asksFor());
      const second = claimOf(sessionId, { turn, step: 2, messages: [], fence: LATER });
      const attempt = await claimed(journal, second);
      await journal.steps.append(attempt, [STARTED, delta('As I said')], CALL);
      const changed = withAnother(claim, 3_000);
      const { fence } = changed;
      await claimed(journal, changed);
      const lost = costing('As I said');
      expect((await journal.sessions.get(sessionId))?.spend).toEqual(lost);
      await journal.steps.chargeAborted(attempt, said);
      expect((await journal.sessions.get(sessionId))?.spend).toEqual(lost);
      expect(await journal.steps.claim({ ...second, fence })).toMatchObject({ spend: lost });
    });

    test('charges a summary that was being written, and one that is finished only once', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const claim = claimOf(await createSession(journal));
      const at = (attempt: number) => ({ ...claim, fence: { scheduledAt: 1_000, attempt } });
      const first = await claimed(journal, claim);
      const before = (await journal.sessions.get(claim.sessionId))?.lastSeq;
      expect(await journal.steps.append(first, [], CALL)).toBe(before);
      const second = await journal.steps.claim(at(2));
      expect(second).toMatchObject({ spend: costing('') });
      if (second.state !== 'claimed') return;
      await journal.steps.append(second.attempt, [], CALL);
      const data = { beforeTokens: 9, afterTokens: 1, throughMessage: claim.turn };
      await journal.steps.summarize(second.attempt, {
        text: 'In short',
        through: 1,
        events: [usage(3), { type: 'context.compacted', data }],
        spend: spend(3),
      });
      const sum = addSpend(costing(''), spend(3));
      expect(await journal.steps.claim(at(3))).toMatchObject({ spend: sum });
      expect((await journal.sessions.get(claim.sessionId))?.spend).toEqual(sum);
    });
  });

  describe('the seal of a workflow that is older than the journal', () => {
    test('reaches the newest step, where the workflow is older than the journal', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, turn, attempt } = await openStep(journal);
      await journal.steps.finish(attempt, { ...asksFor(), spend: spend(3) });
      const second = await claimed(journal, claimOf(sessionId, { turn, step: 2, messages: [] }));
      await journal.steps.append(second, [delta('Hel')]);
      const sealed = await journal.steps.seal(sealOf(attempt));
      expect(sealed).toEqual({ outcome: 'interrupted', spend: spend(3) });
      expect(await journal.steps.seal(sealOf(attempt))).toEqual(sealed);
      const events = await allEvents(journal, sessionId);
      expect(types(events).slice(-3)).toEqual([
        'content.completed',
        'model.settled',
        'turn.settled',
      ]);
      await expect(journal.steps.append(second, [delta('lo')])).rejects.toThrow(
        new AttemptClosed('sealed'),
      );
      const fence = { scheduledAt: 9_000, attempt: 1 };
      for (const step of [2, 3]) {
        const claim = claimOf(sessionId, { turn, step, messages: [], fence });
        expect(await journal.steps.claim(claim)).toEqual({ state: 'superseded' });
      }
      expect(await allEvents(journal, sessionId)).toEqual(events);
    });

    test('finds the turn settled by a later step that the workflow does not know', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, turn, attempt } = await openStep(journal);
      await journal.steps.finish(attempt, { ...asksFor(), spend: spend(3) });
      const second = await claimed(journal, claimOf(sessionId, { turn, step: 2, messages: [] }));
      await journal.steps.finish(second, answer('Hello', 5));
      const events = await allEvents(journal, sessionId);
      expect(await journal.steps.seal(sealOf(attempt))).toEqual({
        outcome: 'completed',
        spend: spend(8),
      });
      expect(await allEvents(journal, sessionId)).toEqual(events);
    });

    test('closes the steps too that were taken back when an earlier one was run again', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const { sessionId, turn, attempt } = await openStep(journal);
      await journal.steps.finish(attempt, asksFor());
      const later = claimOf(sessionId, { turn, step: 2, messages: [] });
      await journal.steps.finish(await claimed(journal, later), answer('Hello'));
      await claimed(journal, withAnother(claimOf(sessionId, { turn })));
      await journal.steps.seal(sealOf(attempt));
      const late = { ...later, fence: { scheduledAt: 9_000, attempt: 1 } };
      expect(await journal.steps.claim(late)).toEqual({ state: 'superseded' });
      expect(types(await allEvents(journal, sessionId)).at(-1)).toBe('turn.settled');
    });
  });
};
