import { describe, expect, test } from 'vitest';
import type { CredentialKey, CredentialStore } from '../../../journal/port.ts';
import type { Dialect } from '../support/dialects.ts';
import { emptyJournal } from '../support/dialects.ts';

const KEY: CredentialKey = { tenant: 'local', name: 'gateway' };
const STRATEGY = 'oauth2-refresh' as const;
const CLAIM_MS = 60_000;

const claim = (store: CredentialStore, version: number, holder: string) =>
  store.claim(KEY, { version, holder, strategy: STRATEGY, claimMs: CLAIM_MS });

/** Lets a claim run out, past the journal. */
const RUN_OUT = 'update credentials set held_until = 1';

export const credentialsConformance = (dialect: Dialect) =>
  describe('credentials', () => {
    test('are stored under the next version by whoever holds the claim', async () => {
      await using opened = await emptyJournal(dialect);
      const { credentials } = opened.journal;
      expect(await credentials.get(KEY)).toBeUndefined();
      expect(await claim(credentials, 0, 'one')).toBe('claimed');
      const first = { secret: 'sealed-1', expiresInMs: 3_600_000 };
      expect(await credentials.settle(KEY, { version: 0, holder: 'one' }, first)).toBe(true);
      const row = await credentials.get(KEY);
      expect(row).toEqual({
        ...KEY,
        strategy: STRATEGY,
        secret: 'sealed-1',
        expiresInMs: expect.any(Number),
        version: 1,
        updatedAt: expect.any(String),
      });
      expect(row!.expiresInMs).toBeGreaterThan(3_500_000);
      expect(row!.expiresInMs).toBeLessThanOrEqual(3_600_000);
      expect(await claim(credentials, 1, 'two')).toBe('claimed');
      const endless = { secret: 'sealed-2', expiresInMs: null };
      expect(await credentials.settle(KEY, { version: 1, holder: 'two' }, endless)).toBe(true);
      expect(await credentials.list('local')).toMatchObject([
        { version: 2, secret: 'sealed-2', expiresInMs: null },
      ]);
      expect(await credentials.list('other')).toEqual([]);
    });

    test('are renewed by one at a time: of many at once exactly one gets the claim', async () => {
      await using opened = await emptyJournal(dialect);
      const { credentials } = opened.journal;
      const claims = await Promise.all(
        Array.from({ length: 8 }, (_, index) => claim(credentials, 0, `holder-${index}`)),
      );
      expect(claims.toSorted()).toEqual(['claimed', ...Array.from({ length: 7 }, () => 'held')]);
    });

    test('can be claimed again after a release, and not for a version of before', async () => {
      await using opened = await emptyJournal(dialect);
      const { credentials } = opened.journal;
      await claim(credentials, 0, 'one');
      await credentials.release(KEY, { version: 0, holder: 'somebody else' });
      expect(await claim(credentials, 0, 'two')).toBe('held');
      await credentials.release(KEY, { version: 0, holder: 'one' });
      expect(await claim(credentials, 0, 'two')).toBe('claimed');
      await credentials.settle(KEY, { version: 0, holder: 'two' }, { secret: 's', expiresInMs: 1 });
      expect(await claim(credentials, 0, 'three')).toBe('changed');
    });

    test('whose holder went away are taken over, and what it still brings is not stored', async () => {
      await using opened = await emptyJournal(dialect);
      const { credentials } = opened.journal;
      await claim(credentials, 0, 'one');
      await opened.database.execute(RUN_OUT);
      expect(await claim(credentials, 0, 'two')).toBe('taken_over');
      const late = { secret: 'late', expiresInMs: 1 };
      expect(await credentials.settle(KEY, { version: 0, holder: 'one' }, late)).toBe(false);
      const good = { secret: 'good', expiresInMs: 1 };
      expect(await credentials.settle(KEY, { version: 0, holder: 'two' }, good)).toBe(true);
      expect(await credentials.get(KEY)).toMatchObject({ secret: 'good' });
    });

    test('end when somebody refused them, and are sealed anew, as long as the version is the same', async () => {
      await using opened = await emptyJournal(dialect);
      const { credentials } = opened.journal;
      await claim(credentials, 0, 'one');
      const stored = { secret: 'sealed', expiresInMs: 3_600_000 };
      await credentials.settle(KEY, { version: 0, holder: 'one' }, stored);
      await credentials.expire(KEY, 0);
      await credentials.reseal(KEY, 0, 'other');
      expect((await credentials.get(KEY))!.expiresInMs).toBeGreaterThan(0);
      await credentials.expire(KEY, 1);
      await credentials.reseal(KEY, 1, 'sealed anew');
      const row = await credentials.get(KEY);
      expect(row).toMatchObject({ secret: 'sealed anew', version: 1 });
      expect(row!.expiresInMs).toBeLessThan(0);
    });

    test('are replaced where somebody signs in anew, whoever renews them, and what that brings is not stored', async () => {
      await using opened = await emptyJournal(dialect);
      const { credentials } = opened.journal;
      const anew = { secret: 'anew', expiresInMs: 60_000, strategy: 'oauth2-refresh' } as const;
      await credentials.replace(KEY, anew);
      expect(await credentials.get(KEY)).toMatchObject({ secret: 'anew', version: 1 });
      expect(await claim(credentials, 1, 'one')).toBe('claimed');
      await credentials.replace(KEY, { ...anew, secret: 'again', expiresInMs: null });
      const late = { secret: 'late', expiresInMs: 1 };
      expect(await credentials.settle(KEY, { version: 1, holder: 'one' }, late)).toBe(false);
      const row = await credentials.get(KEY);
      expect(row).toMatchObject({ secret: 'again', version: 2, expiresInMs: null });
      expect(await claim(credentials, 2, 'two')).toBe('claimed');
    });

    test('are forgotten, once, also under the hands of whoever renews them, and stored anew under a later version', async () => {
      await using opened = await emptyJournal(dialect);
      const { credentials } = opened.journal;
      expect(await credentials.forget(KEY)).toBe(false);
      await claim(credentials, 0, 'one');
      const stored = { secret: 'sealed', expiresInMs: 3_600_000 };
      await credentials.settle(KEY, { version: 0, holder: 'one' }, stored);
      await claim(credentials, 1, 'two');
      expect(await credentials.forget(KEY)).toBe(true);
      expect(await credentials.forget(KEY)).toBe(false);
      expect(await credentials.get(KEY)).toMatchObject({ secret: null, version: 2 });
      expect(await credentials.settle(KEY, { version: 1, holder: 'two' }, stored)).toBe(false);
      expect(await claim(credentials, 2, 'three')).toBe('claimed');
      expect(await credentials.settle(KEY, { version: 2, holder: 'three' }, stored)).toBe(true);
      expect(await credentials.get(KEY)).toMatchObject({ secret: 'sealed', version: 3 });
    });
  });
