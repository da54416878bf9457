/** What one connected runner was told, and what it has to be told next. Pure but for `tell`. */
import type { CallId, SessionId } from '../../contracts/ids.ts';
import type { RunnerNews } from '../../contracts/runners.ts';
import type { LedgerCall, RunnerRow } from '../../journal/port.ts';
import { actionOf } from './action.ts';
import { canServe } from './serving.ts';

export interface Follower {
  readonly tell: (news: readonly RunnerNews[]) => void;
  /** It is not the registered one any more. */
  readonly replaced: () => void;
}

export class FollowedRunner {
  runner: RunnerRow;
  readonly follower: Follower;
  /** Calls that it was offered and that are open, as far as it knows. */
  readonly #offered = new Map<CallId, SessionId>();

  constructor(runner: RunnerRow, follower: Follower) {
    this.runner = runner;
    this.follower = follower;
  }

  /** @param sessionIds whose open calls `calls` has, all of them; undefined: those of every session */
  look(calls: readonly LedgerCall[], sessionIds?: ReadonlySet<SessionId>): void {
    const open = new Map(calls.map((call) => [call.callId, call]));
    const closed = [...this.#offered]
      .filter(([callId, sessionId]) => {
        const asked = !sessionIds || sessionIds.has(sessionId);
        return asked && !this.#concerns(open.get(callId));
      })
      .map(([callId]) => callId);
    for (const callId of closed) this.#offered.delete(callId);
    const offers = calls.filter(
      (call) => call.claimable && !this.#offered.has(call.callId) && canServe(this.runner, call),
    );
    for (const { callId, sessionId } of offers) this.#offered.set(callId, sessionId);
    const news: RunnerNews[] = [
      ...closed.map((callId) => ({ type: 'closed' as const, callId })),
      ...offers.map((call) => ({ type: 'offer' as const, action: actionOf(call, this.runner) })),
    ];
    if (news.length > 0) this.follower.tell(news);
  }

  /** Still to be had, or held by this very runner. */
  #concerns(call: LedgerCall | undefined): boolean {
    if (!call) return false;
    return call.claimable || (call.state === 'leased' && call.holder === this.runner.instance);
  }
}
