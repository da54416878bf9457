/** Which runners a list is asked for. */
import { z } from 'zod';
import { labelsFromText, LABELS_TEXT } from '../../contracts/runner-labels.ts';
import { isSelected } from '../../contracts/runner-selection.ts';
import type { RunnerLabels } from '../../contracts/runners.ts';

export const runnerFilterSchema = z.strictObject({
  online: z.boolean().optional().describe('Those that are there, or those that are away.'),
  labels: z
    .string()
    .max(5_000)
    .regex(LABELS_TEXT, 'expected key=value, several with a comma between them')
    .optional()
    .describe('Those that have all of these: `os=linux`, or `os=linux,gpu=a100`.'),
});
export type RunnerFilter = z.infer<typeof runnerFilterSchema>;

interface Listed {
  readonly name: string;
  readonly online: boolean;
  readonly labels: RunnerLabels;
}

export function filtered<T extends Listed>(
  runners: readonly T[],
  { online, labels }: RunnerFilter,
): T[] {
  const wanted = labels === undefined ? {} : labelsFromText(labels);
  return runners.filter(
    (runner) =>
      (online === undefined || runner.online === online) && isSelected(runner, { labels: wanted }),
  );
}
