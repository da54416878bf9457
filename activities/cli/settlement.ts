/** The events, the transcript's row and the outcome with which a program's step ends, for one transaction. */
import type { ModelStepResult } from '../../contracts/activities.ts';
import { errorInfo } from '../../contracts/errors.ts';
import type { NewEvent } from '../../contracts/events.ts';
import type { AssistantPart } from '../../contracts/transcript.ts';
import { addSpend, NO_SPEND, type Spend } from '../../contracts/usage.ts';
import type { SessionRow, StepSettlement } from '../../journal/port.ts';
import { completed, turnSettled } from '../model/settlement.ts';
import type { SettlementStep } from '../model/settlement.ts';
import type { Used } from './json-line.ts';

export interface Answered {
  readonly provider: string;
  readonly session: SessionRow;
  readonly text: string;
  readonly reasoning: string;
  /** The program's own word that it failed. */
  readonly error: string | undefined;
  readonly used: Used | undefined;
  /** What the step's earlier attempts cost. */
  readonly before: Spend;
  /** What was not written yet. */
  readonly rest: readonly NewEvent[];
}

const usageRecorded = (provider: string, used: Used | undefined): NewEvent[] =>
  used ? [{ type: 'usage.recorded', data: { provider, model: provider, ...used } }] : [];

function messageOf({ text, reasoning }: Answered): StepSettlement['message'] {
  const content: AssistantPart[] = [
    ...(reasoning === '' ? [] : [{ type: 'reasoning' as const, text: reasoning }]),
    ...(text === '' ? [] : [{ type: 'text' as const, text }]),
  ];
  return content.length === 0 ? undefined : { content };
}

/** The turn ends with the step: a program calls its own tools. */
export async function programSettlement(
  step: SettlementStep,
  answered: Answered,
): Promise<StepSettlement> {
  const { provider, text, reasoning, used, rest } = answered;
  const spend: Spend = used ?? NO_SPEND;
  const total = addSpend(answered.before, spend);
  const error =
    answered.error === undefined ? undefined : errorInfo('model_rejected', answered.error);
  const result: ModelStepResult = error
    ? { outcome: 'failed', spend: total, error }
    : { outcome: 'completed', spend: total };
  return {
    events: [
      ...rest,
      ...(await completed(step, 'reasoning', reasoning)),
      ...(await completed(step, 'text', text)),
      {
        type: 'model.settled',
        data: error ? { outcome: 'failed', error } : { outcome: 'completed', finishReason: 'stop' },
      },
      ...usageRecorded(provider, used),
      turnSettled(result.outcome === 'failed' ? 'failed' : 'completed', total, error),
    ],
    message: messageOf(answered),
    calls: [],
    spend,
    result,
  };
}
