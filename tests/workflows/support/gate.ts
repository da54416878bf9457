/** A model step that answers when the test lets it. */
import type { ModelStepResult } from '../../../contracts/activities.ts';
import { spent, type Step } from './scripted-world.ts';

export interface Gate {
  readonly step: Step;
  open(result?: ModelStepResult): void;
}

export function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<ModelStepResult>();
  return {
    step: () => promise,
    open: (result = { outcome: 'completed', spend: spent(10, 0.01) }) => resolve(result),
  };
}
