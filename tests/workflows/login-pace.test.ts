// When a login asks again: RFC 8628, section 3.5.
import { describe, expect, test } from 'vitest';
import type { BegunLogin, LoginAnswer } from '../../contracts/credential-login.ts';
import { firstPace, lifetimeOf, nextPace } from '../../workflows/credential-login/decisions.ts';

const MINUTE = 60_000;
const begun = (intervalMs: number, expiresInMs = 10 * MINUTE): BegunLogin => ({
  ...{ state: 'begun', sealed: 'sealed', intervalMs, expiresInMs },
  code: { userCode: 'A', verificationUri: 'https://login.example.com' },
});

/** The wait before the first question, and after each answer. */
function waits(first: BegunLogin, ...answers: readonly LoginAnswer[]): readonly number[] {
  let pace = firstPace(first);
  return [pace.waitMs, ...answers.map((answer) => (pace = nextPace(pace, answer)).waitMs)];
}

const PENDING = { state: 'pending' } as const;
const SLOW = { state: 'slow_down' } as const;
const UNREACHABLE = { state: 'unreachable' } as const;

describe('a login asks again', () => {
  test('after the interval that the server gave', () => {
    expect(waits(begun(5_000), PENDING, PENDING)).toEqual([5_000, 5_000, 5_000]);
  });

  test('5 s later, for good, each time that it is told to slow down', () => {
    expect(waits(begun(5_000), SLOW, PENDING, SLOW, PENDING)).toEqual([
      5_000, 10_000, 10_000, 15_000, 15_000,
    ]);
  });

  test('after twice the time for each answer that never came, up to a minute, until one comes', () => {
    const missed = Array.from({ length: 4 }, () => UNREACHABLE);
    expect(waits(begun(5_000), ...missed, PENDING)).toEqual([
      5_000, 10_000, 20_000, 40_000, 60_000, 5_000,
    ]);
    // An interval of more than that stays what it is.
    expect(waits(begun(90_000), UNREACHABLE)).toEqual([90_000, 90_000]);
  });

  test('not before the server has said', () => {
    const later = { ...UNREACHABLE, retryAfterMs: 45_000 };
    expect(waits(begun(5_000), later)).toEqual([5_000, 45_000]);
  });

  test('at most 400 times, however often it may and however long a code lives', () => {
    expect(waits(begun(0))).toEqual([1_500]);
    expect(lifetimeOf(begun(1, 1e12))).toBe(30 * MINUTE);
    expect(waits(begun(1, 1e12))).toEqual([4_500]);
  });
});
