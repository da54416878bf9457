/** Chance that can be repeated: `PERDURE_TEST_SEED=… npx vitest run …`. */
import { randomInt } from 'node:crypto';

export const SEED = Number(process.env['PERDURE_TEST_SEED'] ?? randomInt(2 ** 31));
console.info(`[tests] cut by chance: PERDURE_TEST_SEED=${SEED}`);

/** Whole numbers from `from` to `to`, the same ones for the same seed (mulberry32). */
export function chance(seed: number): (from: number, to: number) => number {
  let state = seed;
  return (from, to) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return from + (((mixed ^ (mixed >>> 14)) >>> 0) % (to - from + 1));
  };
}
