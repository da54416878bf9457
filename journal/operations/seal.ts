/** A person stops a turn: whatever is open is closed with what there is, and nothing can be written to it afterwards. */
import type { ModelStepResult, SealInput, SealResult } from '../../contracts/activities.ts';
import type { ContentKind, TurnOutcome } from '../../contracts/events.ts';
import { addSpend, NO_SPEND } from '../../contracts/usage.ts';
import type { Spend } from '../../contracts/usage.ts';
import type { Operation } from '../group-commit.ts';
import type { StepRecord } from '../tables.ts';
import { stepKey } from '../write/session-draft.ts';
import type { Place, SessionDraft } from '../write/session-draft.ts';
import { acceptMessages } from './accept.ts';
import { interruptCalls } from './settle-call.ts';

export const sealStep = (input: SealInput): Operation<SealResult> => {
  const next = { turn: input.turn, step: input.step + 1 };
  return {
    needs: {
      sessionId: input.sessionId,
      steps: [input, next],
      messages: input.messages.map((message) => message.messageId),
      openCallsOf: input.turn,
      deltasOf: input,
    },
    apply(draft) {
      const row = draft.step(input);
      if (row?.state === 'finished') return sealFinished(draft, input, row);
      if (row?.state === 'sealed') return { outcome: sealedOutcome(row), spend: spendOf(row) };
      if (row) sealOpen(draft, input, row);
      else sealUnclaimed(draft, input);
      return settleTurn(draft, input, row ? spendOf(row) : NO_SPEND);
    },
  };
};

const spendOf = (row: StepRecord): Spend => JSON.parse(row.spend) as Spend;
/** A step is sealed because a person interrupted it, or because its activity failed for good: then `error` says why. */
const outcomeOf = ({ error }: SealInput) =>
  error ? { outcome: 'failed' as const, error } : { outcome: 'interrupted' as const };
/** What the first seal said: a later one with another cause changes nothing. */
const sealedOutcome = (row: StepRecord) => JSON.parse(row.result!) as TurnOutcome;
const sealing = (input: SealInput) => ({
  state: 'sealed' as const,
  accounted: 1 as const,
  result: JSON.stringify(outcomeOf(input).outcome),
});

/** Finished with tool calls: the turn is between two steps, and the one after this can never begin. Else the turn is over. */
function sealFinished(draft: SessionDraft, input: SealInput, row: StepRecord): SealResult {
  const result = JSON.parse(row.result!) as ModelStepResult;
  const { outcome, spend } = result;
  if (outcome !== 'tool_calls') return { outcome, spend };
  const next = { ...input, step: input.step + 1 };
  const sealed = draft.step(next);
  if (sealed) return { outcome: sealedOutcome(sealed), spend };
  draft.putStep(sealedBeforeClaim(draft, next));
  acceptMessages(draft, input, input.messages);
  return settleTurn(draft, input, spend);
}

function sealUnclaimed(draft: SessionDraft, input: SealInput): void {
  acceptMessages(draft, input, input.messages);
  if (input.step === 1)
    draft.append({ turn: input.turn, step: 1 }, { type: 'turn.started', data: {} });
  draft.putStep(sealedBeforeClaim(draft, input));
}

const sealedBeforeClaim = (draft: SessionDraft, input: SealInput): StepRecord => ({
  ...sealing(input),
  session_key: draft.key,
  turn: input.turn,
  step: input.step,
  scheduled_at: 0,
  temporal_attempt: 0,
  number: 0,
  input_digest: '',
  charged: 0,
  interruptions: 0,
  model_index: 0,
  last_error: null,
  claimed_seq: draft.projection.lastSeq,
  spend: JSON.stringify(NO_SPEND),
});

/** What was streamed becomes the message. */
function sealOpen(draft: SessionDraft, input: SealInput, row: StepRecord): void {
  const { turn, step } = input;
  const place: Place = { turn, step, attempt: row.number };
  const content = partialContent(draft, row);
  for (const part of content) {
    draft.append(place, { type: 'content.completed', data: { kind: part.type, text: part.text } });
  }
  draft.append(place, { type: 'model.settled', data: outcomeOf(input) });
  if (content.length > 0) {
    const body = JSON.stringify({ content, partial: true });
    draft.putMessage({
      id: stepKey(input),
      role: 'assistant',
      position: draft.projection.lastSeq,
      turn,
      step,
      body,
    });
  }
  draft.putStep({ ...row, ...sealing(input) });
  draft.closed = true;
}

function partialContent(
  draft: SessionDraft,
  row: StepRecord,
): { type: ContentKind; text: string }[] {
  const texts = new Map<ContentKind, string>();
  for (const { kind, text } of draft.streamed(row)) texts.set(kind, (texts.get(kind) ?? '') + text);
  return [...texts].map(([type, text]) => ({ type, text }));
}

function settleTurn(draft: SessionDraft, input: SealInput, spend: Spend): SealResult {
  interruptCalls(draft, draft.openCalls(input.turn));
  const { usage, costUsd } = addSpend(input.turnSpend, spend);
  draft.append(
    { turn: input.turn, step: input.step },
    { type: 'turn.settled', data: { ...outcomeOf(input), usage, costUsd } },
  );
  return { outcome: outcomeOf(input).outcome, spend };
}
