/** A session whose run Temporal no longer has: what the workflow would have written at its end is written for it. */
import { errorInfo, type ErrorInfo } from '../../contracts/errors.ts';
import type { NewEvent } from '../../contracts/events.ts';
import type { SessionId } from '../../contracts/ids.ts';
import { isClosed } from '../../contracts/session-state.ts';
import type { Operation } from '../group-commit.ts';
import type { SessionDraft } from '../write/session-draft.ts';
import { recordFacts } from './record.ts';
import { abandonTurn, type SeenTurn } from './seal.ts';

/** A session as it was seen before the lock was had. */
export interface LostRun {
  readonly sessionId: SessionId;
  /** Number of the event that began the life whose run is lost. */
  readonly life: number | undefined;
  readonly open: SeenTurn | undefined;
  readonly queue: readonly string[];
}

const LOST: ErrorInfo = errorInfo(
  'state_corrupt',
  'Temporal has no open run of this session: it was terminated, or its data is older than the session. Reopen it to go on.',
);

/** @returns false where a turn has moved on since: look again */
export function endLost(lost: LostRun): Operation<boolean> {
  const seal = lost.open && abandonTurn(lost.open, LOST);
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

/** Once, because it is done under the lock and only where the session is open. */
function close(draft: SessionDraft, { sessionId }: LostRun): void {
  // The same message may have waited in an earlier life that was lost, too.
  const { lastSeq } = draft.projection;
  const rejected = draft.projection.details.queue.map((messageId) => ({
    key: `rejected:lost:${messageId}:${lastSeq}`,
    event: {
      type: 'message.rejected',
      data: { messageId, error: errorInfo('session_closed', LOST.message) },
    } satisfies NewEvent,
  }));
  const ended: NewEvent = { type: 'session.ended', data: { reason: 'error', error: LOST } };
  const facts = [...rejected, { key: `ended:lost:${lastSeq}`, event: ended }];
  recordFacts(sessionId, facts).apply(draft);
}
