/** A session whose run Temporal no longer has: what the workflow would have written at its end is written for it. */
import type { SealInput, StepRef } from '../../contracts/activities.ts';
import { errorInfo, type ErrorInfo } from '../../contracts/errors.ts';
import type { NewEvent } from '../../contracts/events.ts';
import type { SessionId } from '../../contracts/ids.ts';
import { isClosed } from '../../contracts/session-state.ts';
import type { Spend } from '../../contracts/usage.ts';
import type { Operation } from '../group-commit.ts';
import type { SessionDraft } from '../write/session-draft.ts';
import { recordFacts } from './record.ts';
import { sealStep } from './seal.ts';

/** A session as it was seen before the lock was had. */
export interface LostRun {
  readonly sessionId: SessionId;
  /** Number of the event that began the life whose run is lost. */
  readonly life: number | undefined;
  /** The newest step of the open turn, and what the turn spent before it. */
  readonly open: (StepRef & { readonly turnSpend: Spend }) | undefined;
  readonly queue: readonly string[];
}

const LOST: ErrorInfo = errorInfo(
  'state_corrupt',
  'Temporal has no open run of this session: it was terminated, or its data is older than the session. Reopen it to go on.',
);

/** @returns false where a turn has moved on since: look again */
export function endLost(lost: LostRun): Operation<boolean> {
  const seal = lost.open && sealStep(sealing(lost.open));
  return {
    needs: {
      sessionId: lost.sessionId,
      ...seal?.needs,
      messages: lost.queue,
    },
    apply(draft) {
      const { state, details } = draft.projection;
      if (isClosed(state) || details.lifeSeq !== lost.life) return true;
      if (details.turn !== (lost.open?.turn ?? null)) return false;
      if (seal) seal.apply(draft);
      close(draft, lost);
      return true;
    },
  };
}

const sealing = ({ turnSpend, ...step }: NonNullable<LostRun['open']>): SealInput => ({
  ...step,
  turnSpend,
  cause: 'failure',
  error: LOST,
  messages: [],
});

/** Once, because it is done under the lock and only where the session is open. */
function close(draft: SessionDraft, { sessionId }: LostRun): void {
  const rejected = draft.projection.details.queue.map((messageId) => ({
    key: `rejected:${messageId}`,
    event: {
      type: 'message.rejected',
      data: { messageId, error: errorInfo('session_closed', LOST.message) },
    } satisfies NewEvent,
  }));
  const ended: NewEvent = { type: 'session.ended', data: { reason: 'error', error: LOST } };
  const facts = [...rejected, { key: `ended:lost:${draft.projection.lastSeq}`, event: ended }];
  recordFacts(sessionId, facts).apply(draft);
}
