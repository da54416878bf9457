/** Labels of runners in a query string: `os=linux,gpu=`. No label has a "," or a "=" in it. Pure, no zod. */
import type { RunnerLabels } from './runners.ts';

const PAIR = '[A-Za-z0-9._/-]{1,100}=[A-Za-z0-9._/-]{0,100}';

/** One label. */
export const LABEL_TEXT = new RegExp(`^${PAIR}$`);

export const LABELS_TEXT = new RegExp(`^${PAIR}(,${PAIR})*$`);

export const labelsToText = (labels: RunnerLabels): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

/** @param text that `LABELS_TEXT` matches */
export const labelsFromText = (text: string): RunnerLabels =>
  Object.fromEntries(text.split(',').map((pair) => pair.split('=') as [string, string]));
