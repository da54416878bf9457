/** The answer to the query `status`. Pure. */
import type { LiveStatus } from '../../contracts/session.ts';
import { isBusy, stateOf, type Session } from './state.ts';
import { idleEndsAt, lifetimeEndsAt } from './timer.ts';

const iso = (at: number): string => new Date(at).toISOString();

export function liveStatus(session: Session): LiveStatus {
  const { turn } = session;
  return {
    state: stateOf(session),
    turn: turn?.id ?? null,
    step: turn?.step ?? 0,
    queued: session.queue.length,
    pendingCalls: [...(turn?.pending ?? [])],
    openApprovals: Array.from(turn?.approvals ?? [], ([approvalId, name]) => ({
      approvalId,
      name,
    })),
    model: session.model ?? session.start.model,
    spend: session.spend,
    turns: session.turns,
    idleEndsAt: isBusy(session) ? null : iso(idleEndsAt(session)),
    lifetimeEndsAt: iso(lifetimeEndsAt(session)),
  };
}
