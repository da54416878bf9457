/** Labels of runners, as they are written and read: `os=linux`. Light: loaded for every `perdure --help`. */
import { InvalidArgumentError } from 'commander';
import { LABEL_TEXT, labelsFromText, labelTexts } from '../contracts/runner-labels.ts';
import type { RunnerLabels } from '../contracts/runners.ts';

/** One more `key=value`. @throws {InvalidArgumentError} */
export function labels(text: string, before: RunnerLabels = {}): RunnerLabels {
  if (!LABEL_TEXT.test(text))
    throw new InvalidArgumentError(
      'Expected key=value, such as os=linux: letters, digits, ".", "_", "/" or "-".',
    );
  return { ...before, ...labelsFromText(text) };
}

export const labelsText = (given: RunnerLabels): string => labelTexts(given).join(' ');
