/** What an attempt that owns its step may write. */
import type { NewEvent } from '../../contracts/events.ts';
import type { Operation } from '../group-commit.ts';
import type { Attempt, AttemptFailure, BegunCall, StepSettlement, Summary } from '../port.ts';
import { stepKey } from '../write/session-draft.ts';
import type { Place, SessionDraft } from '../write/session-draft.ts';
import { openCall, withSpend } from './charge.ts';
import { writable } from './fence.ts';
import { requestCall } from './request-call.ts';

const placeOf = ({ turn, step, number }: Attempt): Place => ({ turn, step, attempt: number });

function appendAll(draft: SessionDraft, attempt: Attempt, events: readonly NewEvent[]): void {
  for (const event of events) draft.append(placeOf(attempt), event);
}

const isDelta = ({ type }: NewEvent): boolean => type === 'content.delta';
const isStart = ({ type }: NewEvent): boolean => type === 'model.started';
const isEnd = ({ type }: NewEvent): boolean => type === 'model.settled';

export const appendEvents = (
  attempt: Attempt,
  events: readonly NewEvent[],
  begun?: BegunCall,
): Operation<number> => ({
  needs: {
    sessionId: attempt.sessionId,
    steps: [attempt],
    headOnly: !begun && events.every(isDelta),
  },
  apply(draft) {
    const row = writable(draft, attempt);
    if (begun)
      draft.putStep({ ...row, open_call: openCall(begun, { answers: events.some(isStart) }) });
    // The provider refused it, and is asked again by the same attempt.
    else if (events.some(isEnd)) draft.putStep({ ...row, open_call: null });
    appendAll(draft, attempt, events);
    return draft.projection.lastSeq;
  },
});

export const finishStep = (attempt: Attempt, settlement: StepSettlement): Operation<void> => ({
  needs: { sessionId: attempt.sessionId, steps: [attempt] },
  apply(draft) {
    const row = writable(draft, attempt);
    appendAll(draft, attempt, settlement.events);
    if (settlement.message) {
      const { turn, step } = attempt;
      const body = JSON.stringify({ ...settlement.message, partial: false });
      draft.putMessage({
        id: stepKey(attempt),
        role: 'assistant',
        position: draft.projection.lastSeq,
        turn,
        step,
        body,
      });
    }
    for (const call of settlement.calls) requestCall(draft, placeOf(attempt), { attempt, call });
    draft.putStep({
      ...row,
      state: 'finished',
      accounted: 1,
      open_call: null,
      spend: withSpend(row, settlement.spend),
      result: JSON.stringify(settlement.result),
    });
  },
});

export const failAttempt = (attempt: Attempt, failure: AttemptFailure): Operation<void> => ({
  needs: { sessionId: attempt.sessionId, steps: [attempt] },
  apply(draft) {
    const row = writable(draft, attempt);
    appendAll(draft, attempt, failure.events);
    const charged = row.charged + (failure.charged ? 1 : 0);
    draft.putStep({
      ...row,
      accounted: 1,
      open_call: null,
      charged: failure.modelIndex === undefined ? charged : 0,
      model_index: failure.modelIndex ?? row.model_index,
      last_error: JSON.stringify(failure.error),
      spend: failure.spend ? withSpend(row, failure.spend) : row.spend,
    });
  },
});

export const addSummary = (attempt: Attempt, summary: Summary): Operation<void> => ({
  needs: { sessionId: attempt.sessionId, steps: [attempt] },
  apply(draft) {
    const row = writable(draft, attempt);
    const { turn, step } = attempt;
    appendAll(draft, attempt, summary.events);
    const body = JSON.stringify({ text: summary.text, through: summary.through });
    draft.putMessage({
      id: `${stepKey(attempt)}/summary`,
      role: 'summary',
      position: draft.projection.lastSeq,
      turn,
      step,
      body,
    });
    draft.putStep({ ...row, open_call: null, spend: withSpend(row, summary.spend) });
  },
});
