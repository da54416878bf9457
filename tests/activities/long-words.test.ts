import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { expect, it } from 'vitest';
import { tokenCounter } from '../../activities/model/context/tokens.ts';

it('prose is counted exactly as its tokenizer does, and a word of a quarter of a million letters is counted at all', async () => {
  const counter = await tokenCounter('gpt-4o', 1);
  const prose = 'The quick brown fox jumps over the lazy dog. '.repeat(100);
  expect(counter.count(prose)).toBe(countTokens(prose));
  const short = `${'a'.repeat(1_000)} ${'漢'.repeat(700)}`;
  expect(counter.count(short)).toBeGreaterThanOrEqual(countTokens(short));
  // In one piece that takes minutes, in which no other session's step moves.
  expect(counter.count('a'.repeat(256 * 1024))).toBe(32_768);
});
