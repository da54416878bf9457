// How many keys one address may guess, however the guesses arrive.
import { expect, test } from 'vitest';
import { Guesses } from '../../api/limits/guesses.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';

const ADDRESS = '10.0.0.1';
const times = <T>(count: number, each: () => Promise<T>) =>
  Promise.allSettled(Array.from({ length: count }, each));
const refused = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.filter(({ status }) => status === 'rejected').length;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A journal that counts what it is asked, and answers later. */
function journal(row: string | undefined) {
  const asked = { count: 0, atOnce: 0, most: 0 };
  return {
    asked,
    find: async () => {
      asked.count += 1;
      asked.most = Math.max(asked.most, (asked.atOnce += 1));
      await turn();
      asked.atOnce -= 1;
      return row;
    },
  };
}

test('of 500 wrong keys at once 60 are looked up', async () => {
  const guesses = new Guesses();
  const { asked, find } = journal(undefined);
  const results = await times(500, () => guesses.lookUp(ADDRESS, find));
  expect([asked.count, refused(results)]).toEqual([60, 440]);
  await expect(guesses.lookUp(ADDRESS, find)).rejects.toMatchObject({ code: 'rate_limited' });
  expect(await guesses.lookUp('10.0.0.2', journal('row').find)).toBe('row');
});

test('500 right keys that come for the first time and at once are all let in, a few at a time', async () => {
  const guesses = new Guesses();
  const { asked, find } = journal('row');
  expect(refused(await times(500, () => guesses.lookUp(ADDRESS, find)))).toBe(0);
  expect([asked.count, asked.most]).toEqual([500, 60]);
});

test('right and wrong keys mixed: no more than 60 wrong ones are looked up, and nobody waits for ever', async () => {
  const guesses = new Guesses();
  let wrong = 0;
  let turned = 0;
  const results = await times(500, () =>
    guesses.lookUp(ADDRESS, async () => {
      const isRight = (turned += 1) % 3 !== 0;
      if (!isRight) wrong += 1;
      await turn();
      return isRight ? 'row' : undefined;
    }),
  );
  expect([wrong, refused(results)]).toEqual([60, 500 - turned]);
});

test('a look-up that fails is no guess', async () => {
  const guesses = new Guesses();
  const down = () => Promise.reject(new PerdureError('journal_unavailable', 'away'));
  const failed = await times(200, () => guesses.lookUp(ADDRESS, down));
  expect(new Set(failed.map((it) => it.status === 'rejected' && it.reason.code))).toEqual(
    new Set(['journal_unavailable']),
  );
  expect(await guesses.lookUp(ADDRESS, journal('row').find)).toBe('row');
});
