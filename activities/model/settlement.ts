/** The events, the transcript's row and the outcome with which a step ends, for one transaction. */
import type { ModelStepResult } from '../../contracts/activities.ts';
import type { ArtifactRef } from '../../contracts/content.ts';
import type { ErrorInfo } from '../../contracts/errors.ts';
import { errorInfo } from '../../contracts/errors.ts';
import type { ContentKind, NewEvent, TurnOutcome } from '../../contracts/events.ts';
import { INLINE_BYTES, MAX_CALLS_PER_STEP } from '../../contracts/limits.ts';
import type { AssistantPart } from '../../contracts/transcript.ts';
import type { Spend } from '../../contracts/usage.ts';
import { NO_SPEND } from '../../contracts/usage.ts';
import type { StepSettlement } from '../../journal/port.ts';
import type { Request } from '../tools/requested-calls.ts';
import type { ModelStep } from './model-step.ts';
import { stepSpend, turnSpend } from './model-step.ts';
import { nativeMessages } from './native.ts';
import type { CallableModel } from './providers.ts';
import type { Answer } from './answer-collector.ts';

type Limited = 'limit_exceeded' | 'budget_exhausted';

const LIMIT_MESSAGES: Record<Limited, string> = {
  limit_exceeded: 'The token limit of this turn or session is reached.',
  budget_exhausted: 'The money limit of this turn or session is reached.',
};

/** Whose session it is, and where large text goes. */
export interface SettlementStep {
  readonly session: Pick<ModelStep['session'], 'tenant' | 'user'>;
  readonly deps: Pick<ModelStep['deps'], 'journal'>;
}

export async function completed(
  step: SettlementStep,
  kind: ContentKind,
  text: string,
): Promise<NewEvent[]> {
  if (text === '') return [];
  if (Buffer.byteLength(text) <= INLINE_BYTES)
    return [{ type: 'content.completed', data: { kind, text } }];
  const { session, deps } = step;
  const artifact: ArtifactRef = await deps.journal.artifacts.put(
    { tenant: session.tenant, user: session.user },
    Buffer.from(text),
    { mediaType: 'text/plain; charset=utf-8' },
  );
  return [{ type: 'content.completed', data: { kind, artifact } }];
}

export function turnSettled(outcome: TurnOutcome, spend: Spend, error?: ErrorInfo): NewEvent {
  const data = { usage: spend.usage, costUsd: spend.costUsd };
  if (outcome === 'completed' || outcome === 'interrupted')
    return { type: 'turn.settled', data: { outcome, ...data } };
  return {
    type: 'turn.settled',
    data: { outcome, ...data, error: error ?? errorInfo('internal', 'no reason was given') },
  };
}

/** @param estimated where the provider did not say what it used */
export const usageRecorded = (
  { provider, name: model }: CallableModel,
  spend: Spend,
  { estimated }: { estimated: boolean },
): NewEvent => ({
  type: 'usage.recorded',
  data: { provider, model, ...spend, ...(estimated ? { estimated } : {}) },
});

/** Of a call that failed. */
export const failureUsage = (model: CallableModel | undefined, spend: Spend): NewEvent[] =>
  model && spend !== NO_SPEND ? [usageRecorded(model, spend, { estimated: true })] : [];

export interface FinishedAnswer {
  readonly model: CallableModel;
  readonly answer: Answer;
  readonly spend: Spend;
  readonly requests: readonly Request[];
  /** Deltas that were not written yet. */
  readonly rest: readonly NewEvent[];
  /** Set where a limit, not the model, ended the answer. */
  readonly limitedBy: Limited | null;
}

function messageOf({ answer, requests, model }: FinishedAnswer): StepSettlement['message'] {
  const content: AssistantPart[] = [
    ...(answer.reasoning ? [{ type: 'reasoning' as const, text: answer.reasoning }] : []),
    ...(answer.text ? [{ type: 'text' as const, text: answer.text }] : []),
    ...requests.map(({ part }) => part),
  ];
  if (content.length === 0) return undefined;
  const native = nativeMessages(answer.native, requests);
  return native ? { content, native: { provider: model.provider, messages: native } } : { content };
}

/** The step ends with an answer; without calls the turn does too. */
export async function answerSettlement(
  step: ModelStep,
  finished: FinishedAnswer,
): Promise<StepSettlement> {
  const { answer, spend, requests, model, limitedBy } = finished;
  const cut = answer.finishReason === 'length' && limitedBy !== null ? limitedBy : null;
  const outcome: TurnOutcome = cut ?? 'completed';
  const ends = requests.length === 0;
  const error = cut ? errorInfo(cut, LIMIT_MESSAGES[cut]) : undefined;
  const result: ModelStepResult = ends
    ? { outcome, spend: stepSpend(step, spend) }
    : {
        outcome: 'tool_calls',
        // Those beyond are settled, and of no concern to the workflow, whose history has a limit.
        calls: requests.slice(0, MAX_CALLS_PER_STEP).map(({ ref }) => ref),
        spend: stepSpend(step, spend),
      };
  return {
    events: [
      ...finished.rest,
      ...(await completed(step, 'reasoning', answer.reasoning)),
      ...(await completed(step, 'text', answer.text)),
      {
        type: 'model.settled',
        data: { outcome: 'completed', finishReason: answer.finishReason },
      },
      usageRecorded(model, spend, { estimated: !answer.usage }),
      ...(ends ? [turnSettled(outcome, turnSpend(step, spend), error)] : []),
    ],
    message: messageOf(finished),
    calls: requests.map(({ call }) => call),
    spend,
    result,
  };
}

/** The step ends without a call of the model: a limit leaves no room for one. */
export function limitSettlement(step: ModelStep, outcome: Limited): StepSettlement {
  return {
    events: [turnSettled(outcome, turnSpend(step), errorInfo(outcome, LIMIT_MESSAGES[outcome]))],
    calls: [],
    spend: NO_SPEND,
    result: { outcome, spend: stepSpend(step) },
  };
}

/** A call of the model that failed. */
export interface FailedCall {
  readonly model?: CallableModel;
  readonly spend: Spend;
  /** What the log lacks of the call's beginning; undefined where none was made. */
  readonly begun: readonly NewEvent[] | undefined;
}

export const NO_CALL: FailedCall = { spend: NO_SPEND, begun: undefined };

/** The call's end in the log, and its beginning where that is not there yet. */
export const modelFailed = ({ begun }: FailedCall, error: ErrorInfo): NewEvent[] =>
  begun ? [...begun, { type: 'model.settled', data: { outcome: 'failed', error } }] : [];

/** The step ends for good without an answer. */
export function failureSettlement(
  step: ModelStep,
  error: ErrorInfo,
  call: FailedCall,
): StepSettlement {
  const { model, spend } = call;
  return {
    events: [
      ...modelFailed(call, error),
      ...failureUsage(model, spend),
      turnSettled('failed', turnSpend(step, spend), error),
    ],
    calls: [],
    spend,
    result: { outcome: 'failed', spend: stepSpend(step, spend), error },
  };
}
