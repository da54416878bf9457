/**
 * The order of the test files. Where nothing is known of earlier runs (a fresh clone) vitest takes the largest files first; the slowest, which
 * start and kill processes, are small ones: the last of them would run alone, beside an idle core.
 */
import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';

/** Slowest first. */
const SLOW = ['/tests/faults/', '/tests/load/', '/tests/runner/', '/tests/cli/', '/tests/journal/'];

export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}

function rank({ moduleId }: TestSpecification): number {
  const found = SLOW.findIndex((folder) => moduleId.includes(folder));
  return found < 0 ? SLOW.length : found;
}
