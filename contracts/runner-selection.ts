/** Which runners a selector means. Pure, no zod: also for whoever only wants to know whether one is there. */
import type { RunnerLabels, RunnerSelector } from './runners.ts';

/** Whether a runner is one of those that `selector` names. */
export const isSelected = (
  { name, labels }: { readonly name: string; readonly labels: RunnerLabels },
  selector: RunnerSelector,
): boolean =>
  selector.name !== undefined
    ? selector.name === name
    : Object.entries(selector.labels ?? {}).every(([key, value]) => labels[key] === value);
