/** Who may write to a step: pure decisions on its row. */
import { AttemptClosed } from '../port.ts';
import type { Attempt, Fence } from '../port.ts';
import type { SessionDraft } from '../write/session-draft.ts';
import type { StepRecord } from '../tables.ts';

/** The fence as rows hold it. */
export interface Fenced {
  readonly scheduled_at: number;
  readonly temporal_attempt: number;
}

/** Negative where `fence` is older than the row's, 0 where it is the same. */
export const compareFence = (fence: Fence, row: Fenced): number =>
  fence.scheduledAt - row.scheduled_at || fence.attempt - row.temporal_attempt;

/** @throws {AttemptClosed} where the attempt may not write any more */
export function writable(draft: SessionDraft, attempt: Attempt): StepRecord {
  const row = draft.step(attempt);
  if (row?.state === 'sealed') throw new AttemptClosed('sealed');
  if (!row || compareFence(attempt.fence, row) !== 0) throw new AttemptClosed('superseded');
  if (row.state === 'finished') throw new AttemptClosed('finished');
  return row;
}
