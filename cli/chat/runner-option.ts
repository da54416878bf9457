/** `--runner laptop`, or `--runner os=linux` for any that has the label. Light: loaded for every `perdure --help`. */
import { InvalidArgumentError } from 'commander';
import type { RunnerSelector } from '../../contracts/runners.ts';
import { labels, labelsText } from '../labels.ts';

/** No name of a runner has a "=". */
export function runnerSelector(text: string, before?: RunnerSelector): RunnerSelector {
  if (text.includes('=') && before?.name === undefined)
    return { labels: labels(text, before?.labels ?? {}) };
  if (before !== undefined)
    throw new InvalidArgumentError('Expected one name, or one or more key=value.');
  return { name: text };
}

export const selectorText = ({ name, labels: wanted = {} }: RunnerSelector): string =>
  name ?? labelsText(wanted);
