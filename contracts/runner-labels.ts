/** Labels of runners as text, one `os=linux`; in a query string `os=linux,gpu=`. No label has a "," or a "=" in it. Pure, no zod. */
import type { RunnerLabels } from './runners.ts';

const CHARACTER = '[A-Za-z0-9._/-]';
const PAIR = `${CHARACTER}{1,100}=${CHARACTER}{0,100}`;

/** The key of a label, which is not empty, or its value. */
export const LABEL_PART = new RegExp(`^${CHARACTER}{0,100}$`);

/** One label. */
export const LABEL_TEXT = new RegExp(`^${PAIR}$`);

export const LABELS_TEXT = new RegExp(`^${PAIR}(,${PAIR})*$`);

export const labelTexts = (labels: RunnerLabels): readonly string[] =>
  Object.entries(labels).map(([key, value]) => `${key}=${value}`);

export const labelsToText = (labels: RunnerLabels): string => labelTexts(labels).join(',');

/** @param text that `LABELS_TEXT` matches */
export const labelsFromText = (text: string): RunnerLabels =>
  Object.fromEntries(text.split(',').map((pair) => pair.split('=') as [string, string]));
