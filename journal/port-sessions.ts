/** The journal's port: rows of sessions. Import it from port.ts. */
import type { SessionId } from '../contracts/ids.ts';
import type { RunnerSelector } from '../contracts/runners.ts';
import type { SessionState } from '../contracts/session-state.ts';
import type { SessionView } from '../contracts/session.ts';
import type { LimitOverrides } from '../contracts/settings.ts';
import type { ClientTool } from '../contracts/tools.ts';
import type { Owner, Page, PageRequest } from './port-shelves.ts';

export interface NewSession extends Owner {
  readonly sessionId: SessionId;
  /** Of the whole request: the same id with another digest is another request. */
  readonly digest: string;
  readonly agent: string;
  readonly model: string;
  readonly workspace: string | null;
  readonly context: string | null;
  readonly title: string | null;
  readonly externalId: string | null;
  /** Tools declared at the start of the session. */
  readonly tools: readonly ClientTool[];
  readonly limits: LimitOverrides;
  /** Whose tools it is offered; its agent's when null. */
  readonly runner?: RunnerSelector | null | undefined;
}

/** The whole row: the view plus what only servers see. */
export interface SessionRow extends SessionView, Owner {
  readonly digest: string;
  readonly tools: readonly ClientTool[];
  readonly limits: LimitOverrides;
  readonly runner?: RunnerSelector | null | undefined;
  /** Tells the lives of a session apart, which a reopening begins; for {@link SessionStore.endLost}. */
  readonly lifeSeq?: number | undefined;
}

export interface SessionFilter {
  readonly tenant: string;
  /** Only this user's; everybody's in the tenant when absent. */
  readonly user?: string | undefined;
  readonly state?: SessionState | undefined;
  readonly context?: string | undefined;
  readonly externalId?: string | undefined;
}

export interface LimitsChange {
  readonly limits: LimitOverrides;
  /** Of two changes of a session the later one has the larger number; before all others where nobody knows. */
  readonly decidedAt?: number | undefined;
}

export interface SessionStore {
  /**
   * Inserts the row (state `starting`) and `session.created` in one transaction.
   * `created: false` where the same request was made before.
   * @param most how many sessions the tenant may have open, this one among them
   * @throws idempotency_conflict when the id exists with another digest or owner; rate_limited where it would be one too many
   */
  create(session: NewSession, most?: number): Promise<{ created: boolean; row: SessionRow }>;
  /**
   * Counts a session that has ended among its tenant's open ones again, before it is reopened. Nothing where it is one of them already.
   * @throws rate_limited where it would be one more than `most`
   */
  reserve(sessionId: SessionId, most: number): Promise<void>;
  /** Takes {@link reserve} back, unless the session was reopened or reserved again since `session` was read. */
  release(session: Pick<SessionRow, 'sessionId' | 'updatedAt'>): Promise<void>;
  /**
   * Those of its limits that `limits` names, from its next start on: what runs has them from its own update. One that is set to what was
   * decided later stays so.
   * @throws not_found
   */
  setLimits(sessionId: SessionId, change: LimitsChange): Promise<SessionRow>;
  /** The row, whoever owns it: callers compare tenant and user. */
  get(sessionId: SessionId): Promise<SessionRow | undefined>;
  /** Newest first. */
  list(filter: SessionFilter, page: PageRequest): Promise<Page<SessionRow>>;
  count(filter: SessionFilter & { readonly open: true }): Promise<number>;
  /**
   * Of all tenants, those made more than `olderThanMs` ago that are still `starting`: their start stopped between the row and Temporal, or no
   * worker has taken them up yet. Newest first.
   */
  starting(olderThanMs: number, page: PageRequest): Promise<Page<SessionRow>>;
  /**
   * Of all tenants, open sessions in which nothing has happened for `olderThanMs`, those that are still `starting` apart: sessions that wait,
   * those whose run is lost, and ended ones that were reserved and of whose reopening nothing has come yet. Newest first.
   */
  quiet(olderThanMs: number, page: PageRequest): Promise<Page<SessionRow>>;
  /**
   * Ends a session of which Temporal has no open run, as its workflow would have: seals the open step, settles the turn as failed, rejects
   * what waits, and appends `session.ended` with reason `error`. Nothing where the session has ended, or was reopened since `lifeSeq`.
   * @returns the row as it is then
   * @throws not_found
   */
  endLost(session: Pick<SessionRow, 'sessionId' | 'lifeSeq'>): Promise<SessionRow>;
  /**
   * Folds all of the session's events again and stores the result, after a change of the fold or a doubt.
   * @returns whether the stored projection was another one
   * @throws not_found
   */
  rebuild(sessionId: SessionId): Promise<boolean>;
}
