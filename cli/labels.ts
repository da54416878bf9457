/** Labels of runners, as they are written and read: `os=linux`. Light: loaded for every `perdure --help`. */
import { InvalidArgumentError } from 'commander';
import type { RunnerLabels } from '../contracts/runners.ts';

/** One more `key=value`. @throws {InvalidArgumentError} */
export function labels(text: string, before: RunnerLabels = {}): RunnerLabels {
  const [key = '', ...value] = text.split('=');
  if (key === '' || value.length === 0)
    throw new InvalidArgumentError('Expected key=value, such as os=linux.');
  return { ...before, [key]: value.join('=') };
}

export const labelsText = (given: RunnerLabels): string =>
  Object.entries(given)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
