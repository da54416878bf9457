import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoffMs, POLICIES } from '../../contracts/policies.ts';
import {
  addSpend,
  addUsage,
  costOf,
  NO_SPEND,
  NO_USAGE,
  totalTokens,
} from '../../contracts/usage.ts';

const policies = fc.constantFrom(...Object.values(POLICIES));

describe('the wait before another attempt', () => {
  test.each([
    [1, 1_000],
    [2, 2_000],
    [5, 16_000],
    [6, 30_000],
    [1_000, 30_000],
    [0, 1_000],
  ])('of a model call after %i failures is %i ms', (failures, wait) => {
    expect(backoffMs(POLICIES.model, failures)).toBe(wait);
  });

  test('never shrinks, and stays between the first and the longest', () => {
    fc.assert(
      fc.property(policies, fc.nat(500), (policy, failures) => {
        const wait = backoffMs(policy, failures);
        expect(wait).toBeGreaterThanOrEqual(policy.firstWaitMs);
        expect(wait).toBeLessThanOrEqual(policy.maxWaitMs);
        expect(backoffMs(policy, failures + 1)).toBeGreaterThanOrEqual(wait);
      }),
    );
  });
});

const usages = fc.nat(1_000_000).chain((inputTokens) =>
  fc.record({
    inputTokens: fc.constant(inputTokens),
    outputTokens: fc.nat(1_000_000),
    cachedInputTokens: fc.nat(inputTokens),
    reasoningTokens: fc.nat(1_000_000),
  }),
);

describe('tokens and money', () => {
  test('add up in any order, with nothing as zero', () => {
    fc.assert(
      fc.property(usages, usages, (a, b) => {
        expect(addUsage(a, b)).toEqual(addUsage(b, a));
        expect(addUsage(a, NO_USAGE)).toEqual(a);
        expect(totalTokens(addUsage(a, b))).toBe(totalTokens(a) + totalTokens(b));
      }),
    );
    const spend = { usage: { ...NO_USAGE, inputTokens: 3 }, costUsd: 0.5 };
    expect(addSpend(spend, NO_SPEND)).toEqual(spend);
  });

  test('cached input costs its own price, and the input price where it has none', () => {
    const usage = {
      inputTokens: 1_000_000,
      outputTokens: 500_000,
      cachedInputTokens: 400_000,
      reasoningTokens: 0,
    };
    const prices = { inputUsdPerMTok: 3, outputUsdPerMTok: 15 };
    expect(costOf(usage, { ...prices, cachedInputUsdPerMTok: 0.3 })).toBeCloseTo(1.8 + 0.12 + 7.5);
    expect(costOf(usage, prices)).toBeCloseTo(3 + 7.5);
    expect(costOf(NO_USAGE, prices)).toBe(0);
  });

  test('cost never falls below zero where a provider counts the cache wrongly', () => {
    const usage = { ...NO_USAGE, cachedInputTokens: 10 };
    expect(costOf(usage, { inputUsdPerMTok: 1, outputUsdPerMTok: 1 })).toBeCloseTo(10 / 1e6);
  });
});
