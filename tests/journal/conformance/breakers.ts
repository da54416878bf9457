import { describe, expect, test } from 'vitest';
import type { Admission, BreakerStore } from '../../../journal/port.ts';
import type { Dialect } from '../support/dialects.ts';
import { emptyJournal } from '../support/dialects.ts';

const RULES = { failuresToOpen: 3, openMs: 30_000, probeMs: 45_000 };
const KEY = 'auth:gateway';
/** Lets the time pass that it stays open, or that a probe is waited for; past the journal. */
const PASSED = 'update breakers set opened_at = 1, probe_until = 1';

async function open(breakers: BreakerStore): Promise<void> {
  for (let failures = 0; failures < RULES.failuresToOpen; failures++)
    await breakers.report(KEY, { outcome: 'outage' }, RULES);
}

const probeOf = (admission: Admission): string | undefined =>
  admission.admitted ? admission.probe : undefined;

export const breakersConformance = (dialect: Dialect) =>
  describe('circuit breakers', () => {
    test('open after so many failures in a row, and say when to ask again', async () => {
      await using opened = await emptyJournal(dialect);
      const { breakers } = opened.journal;
      expect(await breakers.admit(KEY, RULES)).toEqual({ admitted: true });
      expect(await breakers.report(KEY, { outcome: 'answered' }, RULES)).toBe('closed');
      expect(await breakers.list()).toEqual([]);
      await breakers.report(KEY, { outcome: 'outage' }, RULES);
      await breakers.report(KEY, { outcome: 'outage' }, RULES);
      expect(await breakers.report(KEY, { outcome: 'abandoned' }, RULES)).toBe('closed');
      expect(await breakers.list()).toEqual([{ key: KEY, state: 'closed', failures: 2 }]);
      await breakers.report(KEY, { outcome: 'answered' }, RULES);
      expect(await breakers.list()).toEqual([{ key: KEY, state: 'closed', failures: 0 }]);
      await open(breakers);
      expect(await breakers.list()).toEqual([{ key: KEY, state: 'open', failures: 3 }]);
      const refused = await breakers.admit(KEY, RULES);
      expect(refused).toEqual({ admitted: false, retryInMs: expect.any(Number) });
      expect(refused.admitted ? 0 : refused.retryInMs).toBeLessThanOrEqual(RULES.openMs);
      expect(await breakers.admit('auth:another', RULES)).toEqual({ admitted: true });
    });

    test('let exactly one probe through when they are half-open, however many ask at once', async () => {
      await using opened = await emptyJournal(dialect);
      const { breakers } = opened.journal;
      await open(breakers);
      await opened.database.execute(PASSED);
      const asked = await Promise.all(Array.from({ length: 8 }, () => breakers.admit(KEY, RULES)));
      const admitted = asked.filter((each) => each.admitted);
      expect(admitted).toEqual([{ admitted: true, probe: expect.any(String) }]);
      expect(await breakers.list()).toMatchObject([{ state: 'half_open' }]);
      const probe = probeOf(admitted[0]!);
      expect(await breakers.report(KEY, { outcome: 'answered', probe }, RULES)).toBe('closed');
      expect(await breakers.admit(KEY, RULES)).toEqual({ admitted: true });
    });

    test('open again after a probe that failed; what was begun before says nothing', async () => {
      await using opened = await emptyJournal(dialect);
      const { breakers } = opened.journal;
      await open(breakers);
      expect(await breakers.report(KEY, { outcome: 'answered' }, RULES)).toBe('open');
      await opened.database.execute(PASSED);
      const probe = probeOf(await breakers.admit(KEY, RULES));
      expect(await breakers.report(KEY, { outcome: 'answered' }, RULES)).toBe('half_open');
      expect(await breakers.report(KEY, { outcome: 'outage', probe: 'another' }, RULES)).toBe(
        'half_open',
      );
      expect(await breakers.report(KEY, { outcome: 'outage', probe }, RULES)).toBe('open');
      expect(await breakers.admit(KEY, RULES)).toMatchObject({ admitted: false });
    });

    test('give the probe to another where it was abandoned, or its worker went away', async () => {
      await using opened = await emptyJournal(dialect);
      const { breakers } = opened.journal;
      await open(breakers);
      await opened.database.execute(PASSED);
      const first = probeOf(await breakers.admit(KEY, RULES));
      await breakers.report(KEY, { outcome: 'abandoned', probe: first }, RULES);
      const second = probeOf(await breakers.admit(KEY, RULES));
      expect(second).toEqual(expect.any(String));
      expect(await breakers.admit(KEY, RULES)).toMatchObject({ admitted: false });
      await opened.database.execute(PASSED);
      const third = probeOf(await breakers.admit(KEY, RULES));
      expect(third).not.toBe(second);
      await breakers.report(KEY, { outcome: 'answered', probe: second }, RULES);
      expect(await breakers.list()).toMatchObject([{ state: 'half_open' }]);
      await breakers.report(KEY, { outcome: 'answered', probe: third }, RULES);
      expect(await breakers.list()).toMatchObject([{ state: 'closed' }]);
    });
  });
