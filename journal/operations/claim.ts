/** An attempt takes a step. */
import type { ModelStepResult } from '../../contracts/activities.ts';
import type { ErrorInfo } from '../../contracts/errors.ts';
import { NO_SPEND } from '../../contracts/usage.ts';
import type { Operation } from '../group-commit.ts';
import type { Claim, ClaimResult } from '../port.ts';
import type { StepRecord } from '../tables.ts';
import { stepKey } from '../write/session-draft.ts';
import type { SessionDraft } from '../write/session-draft.ts';
import { acceptMessages } from './accept.ts';
import { chargeLost, spendOf } from './charge.ts';
import { compareFence } from './fence.ts';
import { interruptCalls } from './settle-call.ts';

export const claimStep = (claim: Claim): Operation<ClaimResult> => ({
  needs: {
    sessionId: claim.sessionId,
    stepsFrom: claim,
    steps: [stepBefore(claim)],
    messages: [...claim.messages.map((message) => message.messageId), stepKey(claim)],
    openCallsOf: claim.turn,
    deltasFrom: claim,
  },
  apply(draft) {
    const before = draft.step(claim);
    if (!before && draft.step(stepBefore(claim))?.state === 'sealed')
      return { state: 'superseded' };
    const closed = before && closedFor(draft, before, claim);
    if (closed) return closed;
    const row = before ? takenOver(draft, before, claim) : fresh(draft, claim);
    draft.putStep(row);
    acceptMessages(draft, claim, claim.messages);
    if (!before && claim.step === 1)
      draft.append({ turn: claim.turn, step: 1 }, { type: 'turn.started', data: {} });
    return claimed(row, claim);
  },
});

/** Where it is sealed its turn is over, and has no further step. */
const stepBefore = ({ turn, step }: Claim) => ({ turn, step: step - 1 });

function closedFor(draft: SessionDraft, before: StepRecord, claim: Claim): ClaimResult | undefined {
  if (before.state === 'finished' && hasHeard(draft, before, claim)) {
    return { state: 'finished', result: JSON.parse(before.result!) as ModelStepResult };
  }
  const order = compareFence(claim.fence, before);
  if (before.state === 'sealed' || order < 0) return { state: 'superseded' };
  if (order > 0) return undefined;
  // The same attempt asks again: it did not hear the first answer.
  return before.state === 'open' ? claimed(before, claim) : { state: 'superseded' };
}

/**
 * A finished step stands unless it is to answer a message that its turn has not taken in: the workflow may be older than the journal, and
 * not know that the step had joined a message, or used another model.
 */
const hasHeard = (draft: SessionDraft, before: StepRecord, claim: Claim): boolean =>
  before.input_digest === claim.inputDigest ||
  claim.messages.every(({ messageId }) => draft.messages.get(messageId)?.turn === claim.turn);

const claimed = (row: StepRecord, { sessionId, turn, step, fence }: Claim): ClaimResult => ({
  state: 'claimed',
  attempt: { sessionId, turn, step, fence, number: row.number },
  charged: row.charged,
  interruptions: row.interruptions,
  modelIndex: row.model_index,
  lastError: row.last_error === null ? null : (JSON.parse(row.last_error) as ErrorInfo),
  spend: spendOf(row),
});

const fresh = (draft: SessionDraft, claim: Claim): StepRecord => ({
  session_key: draft.key,
  turn: claim.turn,
  step: claim.step,
  state: 'open',
  scheduled_at: claim.fence.scheduledAt,
  temporal_attempt: claim.fence.attempt,
  number: 1,
  input_digest: claim.inputDigest,
  charged: 0,
  interruptions: 0,
  model_index: 0,
  last_error: null,
  accounted: 0,
  claimed_seq: draft.projection.lastSeq,
  spend: JSON.stringify(NO_SPEND),
  open_call: null,
  result: null,
});

/** What the attempt before streamed is void; where it had finished for another input, so is all it said. */
function takenOver(draft: SessionDraft, before: StepRecord, claim: Claim): StepRecord {
  const { turn, step } = claim;
  const rerun = before.state === 'finished';
  const { spend } = chargeLost(draft, before);
  draft.closed = true;
  if (rerun || draft.streamed(before).length > 0) {
    draft.append({ turn, step }, { type: 'attempt.superseded', data: { attempt: before.number } });
  }
  if (rerun) {
    interruptCalls(
      draft,
      draft.openCalls(turn).filter((call) => call.step >= step),
    );
    draft.removeMessage(stepKey(claim));
    for (const later of draft.steps.values())
      if (later.turn === turn && later.step > step) takeBack(draft, later);
  }
  const next = { ...fresh(draft, claim), number: before.number + 1, spend };
  if (rerun) return next;
  return {
    ...next,
    charged: before.charged,
    interruptions: before.interruptions + (before.accounted ? 0 : 1),
    model_index: before.model_index,
    last_error: before.last_error,
  };
}

/** Newer than every attempt so far, older than any that Temporal schedules from now on. */
const NO_MORE_ATTEMPTS = 2_147_483_647;

/** A step that was built on what is void now: as if it had never been run, but for what it cost. */
function takeBack(draft: SessionDraft, later: StepRecord): void {
  draft.removeMessage(stepKey(later));
  draft.putStep({
    ...chargeLost(draft, later),
    state: 'open',
    temporal_attempt: NO_MORE_ATTEMPTS,
    input_digest: '',
    charged: 0,
    interruptions: 0,
    model_index: 0,
    last_error: null,
    open_call: null,
    accounted: 1,
    claimed_seq: draft.projection.lastSeq,
    result: null,
  });
}
