import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ModelStepInput } from '../../contracts/activities.ts';
import { NO_SPEND } from '../../contracts/usage.ts';
import { scriptedModel } from '../../testing/scripted-model.ts';
import type { ScriptEntry, ScriptedModelOptions } from '../../testing/scripted-model.ts';
import { openStage } from './stage.ts';
import type { Stage, StageOptions } from './stage.ts';

/** A stage whose model says what the script says. */
export async function scripted(
  script: ScriptEntry[],
  options: StageOptions & { model?: ScriptedModelOptions } = {},
) {
  const model = scriptedModel(script, options.model);
  return { model, stage: await openStage({ ...options, resolver: model.resolver }) };
}

/** The type of the failure with which an activity ends. */
export const failureType = (work: Promise<unknown>): Promise<string | null | undefined> =>
  work.then(
    (value) => Promise.reject(new Error(`no failure, but ${JSON.stringify(value)}`)),
    (error: unknown) => {
      if (error instanceof ApplicationFailure) return error.type;
      if (error instanceof CancelledFailure) return 'Cancelled';
      throw error;
    },
  );

/** Resolves once the step streams. */
export async function untilStreaming(stage: Stage, deltas = 1): Promise<void> {
  const stop = new AbortController();
  let seen = 0;
  for await (const events of stage.journal.events.tail(stage.sessionId, {
    after: 0,
    signal: stop.signal,
  })) {
    seen += events.filter(({ type }) => type === 'content.delta').length;
    if (seen >= deltas) return stop.abort();
  }
}

const numbered = (words: number): string =>
  Array.from({ length: words }, (_, i) => `w${i} `).join('');

/** An answer of many deltas. */
export const MANY_WORDS = numbered(400);
/** An answer that is still streaming when something happens to it, on a busy machine too: nobody waits for its end. */
export const LONG = numbered(6_000);
/** What the workflow does when a person interrupts. */
export const seal = (stage: Stage, input: ModelStepInput) =>
  stage.journal.steps.seal({
    sessionId: input.sessionId,
    turn: input.turn,
    step: input.step,
    cause: 'interrupt',
    messages: input.messages,
    turnSpend: NO_SPEND,
  });
