/** A person stops a turn: whatever is open is closed with what there is, and nothing can be written to it afterwards. */
import type {
  ModelStepResult,
  SealInput,
  SealResult,
  StepRef,
} from '../../contracts/activities.ts';
import type { ErrorInfo } from '../../contracts/errors.ts';
import type { ContentKind, TurnOutcome } from '../../contracts/events.ts';
import { addSpend, NO_SPEND } from '../../contracts/usage.ts';
import type { Spend } from '../../contracts/usage.ts';
import type { Operation } from '../group-commit.ts';
import type { StepRecord } from '../tables.ts';
import { stepKey } from '../write/session-draft.ts';
import type { Place, SessionDraft } from '../write/session-draft.ts';
import { acceptMessages } from './accept.ts';
import { chargeCutOff, isAnswering, spendOf } from './charge.ts';
import { interruptCalls } from './settle-call.ts';

/**
 * Seals the step, or where it has ended with tool calls the one after it, and so on: the workflow may be older than the journal. What is
 * answered as spent is that of this step and of those after it, the cost of a call that is cut off included.
 */
export const sealStep = (input: SealInput): Operation<SealResult> => ({
  needs: {
    sessionId: input.sessionId,
    stepsFrom: { turn: input.turn, step: 1 },
    messages: input.messages.map((message) => message.messageId),
    openCallsOf: input.turn,
    deltasFrom: input,
  },
  apply(draft) {
    const outcome = seal(draft, input);
    return { outcome, spend: spentFrom(draft, input) };
  },
});

/** An open turn as it was seen before the lock was had: its newest step, and what it spent before that. */
export type SeenTurn = StepRef & Pick<SealInput, 'turnSpend'>;

/** Settles a turn as failed whose workflow never will: Temporal has lost the session, or has forgotten the turn. */
export const abandonTurn = (open: SeenTurn, error: ErrorInfo): Operation<SealResult> =>
  sealStep({ ...open, cause: 'failure', error, messages: [] });

function seal(draft: SessionDraft, input: SealInput): TurnOutcome {
  const row = draft.step(input);
  if (row?.state === 'sealed') return sealedOutcome(row);
  if (row?.state === 'finished') {
    const { outcome } = JSON.parse(row.result!) as ModelStepResult;
    return outcome === 'tool_calls' ? seal(draft, { ...input, step: input.step + 1 }) : outcome;
  }
  if (row) sealOpen(draft, input, row);
  else sealUnclaimed(draft, input);
  // They were taken back when this one was run again, and could be claimed.
  for (const later of stepsFrom(draft, { ...input, step: input.step + 1 }))
    draft.putStep({ ...later, ...sealing(input) });
  settleTurn(draft, input);
  return outcomeOf(input).outcome;
}

const stepsFrom = (draft: SessionDraft, { turn, step }: Pick<SealInput, 'turn' | 'step'>) =>
  [...draft.steps.values()].filter((row) => row.turn === turn && row.step >= step);

const spentFrom = (draft: SessionDraft, from: Pick<SealInput, 'turn' | 'step'>): Spend =>
  stepsFrom(draft, from).map(spendOf).reduce(addSpend, NO_SPEND);

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

function sealUnclaimed(draft: SessionDraft, input: SealInput): void {
  acceptMessages(draft, input, input.messages);
  if (input.step === 1)
    draft.append({ turn: input.turn, step: 1 }, { type: 'turn.started', data: {} });
  draft.putStep({
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
    open_call: null,
  });
}

/** What was streamed becomes the message. */
function sealOpen(draft: SessionDraft, input: SealInput, row: StepRecord): void {
  const { turn, step } = input;
  const place: Place = { turn, step, attempt: row.number };
  const content = partialContent(draft, row);
  for (const part of content) {
    draft.append(place, { type: 'content.completed', data: { kind: part.type, text: part.text } });
  }
  if (isUnsettled(row, content))
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
  const charged = chargeCutOff(draft, row, { text: content.map(({ text }) => text).join('') });
  draft.putStep({ ...charged, ...sealing(input) });
  draft.closed = true;
}

/** A worker of the release before did not say that its call had begun, but what streamed has. */
const isUnsettled = (row: StepRecord, content: readonly unknown[]): boolean =>
  isAnswering(row) || (row.accounted === 0 && content.length > 0);

function partialContent(
  draft: SessionDraft,
  row: StepRecord,
): { type: ContentKind; text: string }[] {
  const texts = new Map<ContentKind, string>();
  for (const { kind, text } of draft.streamed(row)) texts.set(kind, (texts.get(kind) ?? '') + text);
  return [...texts].map(([type, text]) => ({ type, text }));
}

/** The sum is the journal's own: only here is it known what the calls cost that were cut off. */
function settleTurn(draft: SessionDraft, input: SealInput): void {
  interruptCalls(draft, draft.openCalls(input.turn));
  draft.append(
    { turn: input.turn, step: input.step },
    {
      type: 'turn.settled',
      data: { ...outcomeOf(input), ...spentFrom(draft, { turn: input.turn, step: 1 }) },
    },
  );
}
