import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deriveId, expectedId, isId, newId, parseId } from '../../contracts/ids.ts';
import type { IdPrefix } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';

const prefixes = fc.constantFrom<IdPrefix>('ses', 'task', 'msg', 'call', 'key', 'run');

const refusal = (act: () => unknown): PerdureError => {
  try {
    act();
  } catch (error) {
    if (error instanceof PerdureError) return error;
    throw error;
  }
  throw new Error('it was accepted');
};

describe('an id', () => {
  test('that was made is read back unchanged, under its own prefix only', () => {
    fc.assert(
      fc.property(prefixes, prefixes, (prefix, other) => {
        const id = newId(prefix);
        expect(parseId(id, prefix)).toBe(id);
        expect(isId(other, id)).toBe(prefix === other);
      }),
    );
  });

  test('made later sorts later', async () => {
    const first = newId('ses');
    await new Promise((resolve) => setTimeout(resolve, 3));
    expect([newId('ses'), first].toSorted()[0]).toBe(first);
  });

  test('derived from the same words is the same; from other words or as another kind, another', () => {
    const words = fc.array(fc.string(), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(words, words, (some, others) => {
        expect(deriveId('ses', ...some)).toBe(deriveId('ses', ...some));
        expect(isId('ses', deriveId('ses', ...some))).toBe(true);
        const same = JSON.stringify(some) === JSON.stringify(others);
        expect(deriveId('ses', ...some) === deriveId('ses', ...others)).toBe(same);
      }),
    );
  });

  test('derived today is the one derived in every other version', () => {
    expect(deriveId('ses', 'local', 'key-1')).toBe('ses_2rzf18fpcma4qsayxhh73xvwmk');
  });

  test.each([
    ['an empty string', ''],
    ['a number', 7],
    ['null', null],
    ['an object', { id: 'ses_' }],
    ['another kind of id', newId('msg')],
    ['capital letters', newId('ses').toUpperCase()],
    ['a letter that base 32 leaves out', `${newId('ses').slice(0, -1)}u`],
    ['a value over 128 bits', `ses_8${'z'.repeat(25)}`],
    ['one character too many', `${newId('ses')}0`],
    ['a line break at the end', `${newId('ses')}\n`],
    ['a NUL', `ses_\0${newId('ses').slice(5)}`],
  ])('is refused where it is %s, and the refusal says what was expected', (_, value) => {
    const error = refusal(() => parseId(value, 'ses', 'task'));
    expect(error.code).toBe('invalid_id');
    expect(error.message).toContain('"ses_" or "task_" followed by 26 lower-case');
  });

  test('that is enormous is not repeated in full by the refusal', () => {
    const { message } = refusal(() => parseId('x'.repeat(1_000_000), 'ses'));
    expect(message.length).toBeLessThan(400);
  });

  test('shown as an example is itself valid', () => {
    const example = /such as (\S+)/.exec(expectedId('call'))?.[1];
    expect(isId('call', example)).toBe(true);
  });

  test('is never made of random text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (value) => {
        expect(isId('ses', value)).toBe(/^ses_[0-7][0-9a-hjkmnp-tv-z]{25}$/u.test(value));
      }),
    );
  });
});
