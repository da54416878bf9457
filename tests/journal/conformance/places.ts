import { describe, expect, test } from 'vitest';
import { newId } from '../../../contracts/ids.ts';
import type { SessionId } from '../../../contracts/ids.ts';
import type { LimitOverrides } from '../../../contracts/settings.ts';
import type { Journal } from '../../../journal/port.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';
import { createSession, newSession, openStep, OWNER, sealOf, spend } from '../support/facts.ts';

const TENANT = { tenant: OWNER.tenant, open: true } as const;
const FULL = { code: 'rate_limited', message: expect.stringContaining('3 open sessions') };

async function endedSession(journal: Journal): Promise<SessionId> {
  const sessionId = await createSession(journal);
  await journal.events.record(sessionId, [
    { key: 'ended', event: { type: 'session.ended', data: { reason: 'stopped' } } },
  ]);
  return sessionId;
}

/** How many of them were refused; anything else than a refusal for want of a place fails the test. */
async function refused(attempts: readonly Promise<unknown>[]): Promise<number> {
  const results = await Promise.allSettled(attempts);
  const reasons = results.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  for (const reason of reasons) expect(reason).toMatchObject(FULL);
  return reasons.length;
}

export const placesConformance = (dialect: Dialect) =>
  describe('a tenant’s open sessions', () => {
    test('are as many as it may have, however many are created and reopened at once', async () => {
      await using opened = await emptyJournal(dialect);
      const { sessions } = opened.journal;
      // All at once, so that a pool has all its connections by now: while they are made nothing happens at once.
      const ended = await Promise.all(
        Array.from({ length: 8 }, () => endedSession(opened.journal)),
      );
      const created = Array.from({ length: 12 }, () => sessions.create(newSession(), 3));
      const reopened = ended.map((sessionId) => sessions.reserve(sessionId, 3));
      expect(await refused([...created, ...reopened])).toBe(17);
      expect(await sessions.count(TENANT)).toBe(3);
      const elsewhere = newSession({ tenant: 'elsewhere' });
      expect(await sessions.create(elsewhere, 3)).toMatchObject({ created: true });
      // The repeat of a start takes no second place.
      expect(await sessions.create(elsewhere, 0)).toMatchObject({ created: false });
    });

    test('count one that is to be reopened once, until it is released', async () => {
      let now = Date.now();
      await using opened = await emptyJournal(dialect, () => now);
      const { sessions } = opened.journal;
      const sessionId = await endedSession(opened.journal);
      const read = async () => (await sessions.get(sessionId))!;
      await sessions.reserve(sessionId, 1);
      const first = await read();
      expect(first.state).toBe('ended');
      expect(await sessions.count(TENANT)).toBe(1);
      now += 1_000;
      await sessions.reserve(sessionId, 1);
      await sessions.release(first);
      expect(await sessions.count(TENANT)).toBe(1);
      await sessions.release(await read());
      expect(await sessions.count(TENANT)).toBe(0);
    });

    test('stay open where one is reserved or released that has not ended', async () => {
      await using opened = await emptyJournal(dialect);
      const { sessions } = opened.journal;
      const sessionId = await createSession(opened.journal);
      await sessions.reserve(sessionId, 0);
      await sessions.release((await sessions.get(sessionId))!);
      expect(await sessions.count(TENANT)).toBe(1);
    });

    test('have the limits of their start but for those that were set since', async () => {
      await using opened = await emptyJournal(dialect);
      const { sessions } = opened.journal;
      const limits = { stepsPerTurn: 3, tokensPerTurn: 5 };
      const sessionId = await createSession(opened.journal, { limits });
      const change = { tokensPerTurn: null, usdPerTurn: 2 };
      const set = await sessions.setLimits(sessionId, { limits: change });
      expect(set.limits).toEqual({ ...limits, ...change });
      expect(await sessions.get(sessionId)).toEqual(set);
      await expect(sessions.setLimits(newId('ses'), { limits: change })).rejects.toMatchObject({
        code: 'not_found',
      });
    });

    test('keep what was decided last, in whatever order it is set', async () => {
      await using opened = await emptyJournal(dialect);
      const { sessions } = opened.journal;
      const sessionId = await createSession(opened.journal);
      const set = (decidedAt: number | undefined, limits: LimitOverrides) =>
        sessions.setLimits(sessionId, { limits, decidedAt });
      await set(2_001, { stepsPerTurn: 2, usdPerTurn: 2 });
      await set(2_000, { stepsPerTurn: 1, tokensPerTurn: 1 });
      const limits = { stepsPerTurn: 2, usdPerTurn: 2, tokensPerTurn: 1 };
      expect((await set(undefined, { stepsPerTurn: 3 })).limits).toEqual(limits);
      // The same change again.
      expect((await set(2_001, { stepsPerTurn: 2 })).limits).toEqual(limits);
      expect((await set(2_002, { stepsPerTurn: 4 })).limits).toMatchObject({ stepsPerTurn: 4 });
    });

    test('keep the place of one that ends to go on at once, and one that is reserved, whatever is still said of it', async () => {
      let now = Date.now();
      await using opened = await emptyJournal(dialect, () => now);
      const { journal } = opened;
      const { sessionId, attempt } = await openStep(journal);
      const open = () => journal.sessions.count(TENANT);
      const end = (key: string, reopening?: boolean) =>
        journal.events.record(sessionId, [
          { key, event: { type: 'session.ended', data: { reason: 'stopped', reopening } } },
        ]);
      await journal.steps.seal(sealOf(attempt));
      await end('first', true);
      expect(await open()).toBe(1);
      await journal.events.record(sessionId, [
        { key: 'again', event: { type: 'session.reopened', data: {} } },
      ]);
      await end('last');
      expect(await open()).toBe(0);
      await journal.sessions.reserve(sessionId, 1);
      now += 1_000;
      // By a worker that was slow to hear of the end.
      const worker = { provider: 'demo', model: 'demo' };
      await journal.steps.chargeAborted(attempt, { ...spend(20), ...worker });
      expect(await open()).toBe(1);
    });
  });
