import { describe, expect, test } from 'vitest';
import { AttemptClosed } from '../../../journal/port.ts';
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
  openStep,
  spend,
  text,
  types,
  usage,
} from '../support/facts.ts';

export const fenceConformance = (dialect: Dialect) =>
  describe('the fence of a step', () => {
    test('gives the step to the newest attempt by Temporal’s clock first, then by its attempt number', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const sessionId = await createSession(journal);
      const claim = claimOf(sessionId, { fence: { scheduledAt: 1_000, attempt: 7 } });
      const first = await claimed(journal, claim);
      const second = await claimed(journal, { ...claim, fence: LATER });
      expect([first.number, second.number]).toEqual([1, 2]);
      const older = { ...claim, fence: { scheduledAt: 2_000, attempt: 0 } };
      expect(await journal.steps.claim(older)).toEqual({ state: 'superseded' });
      await expect(journal.steps.append(first, [delta('late')])).rejects.toThrow(
        new AttemptClosed('superseded'),
      );
      await expect(journal.steps.finish(first, answer('late'))).rejects.toThrow(AttemptClosed);
      await expect(
        journal.steps.fail(first, { events: [], error: NETWORK, charged: true }),
      ).rejects.toThrow(AttemptClosed);
      expect(types(await allEvents(journal, sessionId))).not.toContain('content.delta');
    });

    test('answers the same attempt’s repeated claim with the same attempt', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const claim = claimOf(await createSession(journal));
      const first = await journal.steps.claim(claim);
      expect(await journal.steps.claim(claim)).toEqual(first);
      expect(types(await allEvents(journal, claim.sessionId))).toEqual([
        'session.created',
        'message.accepted',
        'turn.started',
      ]);
    });

    test('says what a finished step was, writes nothing and charges nothing', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const claim = claimOf(await createSession(journal));
      const attempt = await claimed(journal, claim);
      await journal.steps.finish(attempt, answer('Hello', 5));
      const before = await allEvents(journal, claim.sessionId);
      expect(await journal.steps.claim({ ...claim, fence: LATER })).toEqual({
        state: 'finished',
        result: { outcome: 'completed', spend: spend(5) },
      });
      await expect(journal.steps.append(attempt, [delta('x')])).rejects.toThrow(
        new AttemptClosed('finished'),
      );
      expect(await allEvents(journal, claim.sessionId)).toEqual(before);
    });

    test('counts attempts that vanished as interruptions, and those that failed as charged', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const claim = claimOf(await createSession(journal));
      const at = (attempt: number) => ({ ...claim, fence: { scheduledAt: 1_000, attempt } });
      const first = await claimed(journal, claim);
      await journal.steps.append(first, [delta('half')]);
      const second = await journal.steps.claim(at(2));
      expect(second).toMatchObject({
        charged: 0,
        interruptions: 1,
        lastError: null,
        modelIndex: 0,
      });
      const failing = await claimed(journal, at(3));
      await journal.steps.fail(failing, {
        events: [usage(2)],
        error: NETWORK,
        charged: true,
        spend: spend(2),
      });
      expect(await journal.steps.claim(at(4))).toMatchObject({
        charged: 1,
        interruptions: 2,
        lastError: NETWORK,
      });
      const switching = await claimed(journal, at(5));
      await journal.steps.fail(switching, {
        events: [],
        error: NETWORK,
        charged: true,
        modelIndex: 1,
      });
      const last = await claimed(journal, at(6));
      await journal.steps.fail(last, { events: [], error: NETWORK, charged: false });
      expect(await journal.steps.claim(at(7))).toMatchObject({
        charged: 0,
        interruptions: 3,
        modelIndex: 1,
      });
      const events = await allEvents(journal, claim.sessionId);
      const superseded = events.filter(({ type }) => type === 'attempt.superseded');
      expect(superseded.map(({ data }) => data)).toEqual([{ attempt: 1 }]);
    });

    test('accepts a message once, queued or not, and none that was removed from the queue', async () => {
      await using opened = await journalWithStep(dialect);
      const { journal, sessionId, turn, attempt } = opened;
      const [queued, removed, steered] = [
        claimOf(sessionId).turn,
        claimOf(sessionId).turn,
        claimOf(sessionId).turn,
      ];
      for (const messageId of [queued, removed]) {
        const event = {
          type: 'message.queued' as const,
          data: { messageId, content: text(messageId), policy: 'enqueue' as const },
        };
        await journal.events.record(sessionId, [{ key: `queued:${messageId}`, event }]);
      }
      await journal.events.record(sessionId, [
        {
          key: `removed:${removed}`,
          event: { type: 'message.removed', data: { messageId: removed } },
        },
      ]);
      await journal.steps.finish(attempt, asksFor());
      const messages = [
        { messageId: turn, content: text('again'), policy: 'enqueue' as const },
        { messageId: queued, policy: 'steer' as const },
        { messageId: removed, policy: 'steer' as const },
        { messageId: steered, content: text('now'), policy: 'steer' as const },
      ];
      await claimed(journal, claimOf(sessionId, { turn, step: 2, messages }));
      const transcript = await journal.events.transcript(sessionId);
      expect(transcript.map(({ id }) => id)).toEqual([turn, `${turn}/1`, queued, steered]);
      expect(transcript[2]).toMatchObject({ content: text(queued), step: 2 });
      expect(await journal.events.queued(sessionId)).toEqual([]);
      const known = (messageId: typeof turn) => journal.events.message(sessionId, messageId);
      expect(await known(steered)).toEqual({ state: 'accepted', content: text('now'), turn });
      expect(await known(removed)).toEqual({ state: 'removed' });
      expect(await known(claimOf(sessionId).turn)).toBeUndefined();
      expect((await journal.sessions.get(sessionId))?.queued).toBe(0);
    });

    test('lets an attempt compact the transcript', async () => {
      await using opened = await journalWithStep(dialect);
      const { journal, sessionId, turn, attempt } = opened;
      await journal.steps.finish(attempt, asksFor());
      const next = await claimed(journal, claimOf(sessionId, { turn, step: 2, messages: [] }));
      const [first] = await journal.events.transcript(sessionId);
      const event = {
        type: 'context.compacted' as const,
        data: { beforeTokens: 9, afterTokens: 1, throughMessage: turn },
      };
      await journal.steps.summarize(next, {
        text: 'In short',
        through: first!.position,
        events: [usage(3), event],
        spend: spend(3),
      });
      await journal.steps.finish(next, answer('Done'));
      const all = await journal.events.transcript(sessionId);
      expect(all.map(({ role }) => role)).toEqual(['user', 'assistant', 'summary', 'assistant']);
      const { rows } = await journal.events.compacted(sessionId);
      expect(rows.map(({ role }) => role)).toEqual(['summary', 'assistant', 'assistant']);
      const page = await journal.events.transcript(sessionId, { after: first!.position, limit: 1 });
      expect(page.map(({ role }) => role)).toEqual(['assistant']);
    });

    test('charges an aborted attempt once, after its step was closed', async () => {
      await using opened = await journalWithStep(dialect);
      const { journal, sessionId, turn, attempt } = opened;
      const sealed = {
        sessionId,
        turn,
        step: 1,
        cause: 'stop' as const,
        messages: [],
        turnSpend: spend(0),
      };
      await journal.steps.seal(sealed);
      const charge = { ...spend(4), provider: 'demo', model: 'demo' };
      await journal.steps.chargeAborted(attempt, charge);
      await journal.steps.chargeAborted(attempt, charge);
      expect((await journal.sessions.get(sessionId))?.spend).toEqual(spend(4));
      expect((await journal.steps.seal(sealed)).spend).toEqual(spend(4));
      await journal.steps.chargeAborted({ ...attempt, step: 9 }, charge);
      expect((await journal.sessions.get(sessionId))?.spend).toEqual(spend(8));
      // Another attempt of the same step was cut off too.
      await journal.steps.chargeAborted({ ...attempt, number: 2 }, charge);
      expect((await journal.sessions.get(sessionId))?.spend).toEqual(spend(12));
      expect((await journal.steps.seal(sealed)).spend).toEqual(spend(8));
    });

    test('refuses writes to a session that does not exist', async () => {
      await using opened = await emptyJournal(dialect);
      const claim = claimOf('ses_01jd9rk0x3e8wvz5t2m4q7h6na');
      await expect(opened.journal.steps.claim(claim)).rejects.toMatchObject({ code: 'not_found' });
    });

    test('tells an attempt within milliseconds that it was sealed or superseded', async () => {
      await using opened = await emptyJournal(dialect);
      const { journal } = opened;
      const never = new AbortController();
      const { sessionId, turn, attempt } = await openStep(journal);
      const other = await openStep(journal);
      const waiting = [attempt, attempt].map((one) => journal.steps.whenClosed(one, never.signal));
      const superseded = journal.steps.whenClosed(other.attempt, never.signal);
      const aborting = new AbortController();
      const aborted = journal.steps.whenClosed(attempt, aborting.signal);
      aborting.abort();
      expect(await aborted).toBe('aborted');
      expect(await journal.steps.whenClosed(attempt, aborting.signal)).toBe('aborted');
      await journal.steps.seal({
        sessionId,
        turn,
        step: 1,
        cause: 'interrupt',
        messages: [],
        turnSpend: spend(0),
      });
      expect(await Promise.all(waiting)).toEqual(['sealed', 'sealed']);
      expect(await journal.steps.whenClosed(attempt, never.signal)).toBe('sealed');
      await claimed(journal, { ...claimOf(other.sessionId, { turn: other.turn }), fence: LATER });
      expect(await superseded).toBe('superseded');
    });
  });
