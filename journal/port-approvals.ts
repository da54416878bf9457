/** The journal's port: calls that a person has to approve. Import it from port.ts. */
import type { ApprovalState, StepRef } from '../contracts/activities.ts';
import type { ApprovalOutcome } from '../contracts/approvals.ts';
import type { ApprovalId, CallId, SessionId } from '../contracts/ids.ts';
import type { Effect, ToolMode } from '../contracts/tools.ts';
import type { Owner, Page, PageRequest } from './port-shelves.ts';

export interface ApprovalRow extends StepRef, Owner {
  readonly approvalId: ApprovalId;
  readonly callId: CallId;
  readonly name: string;
  readonly mode: ToolMode;
  readonly effect: Effect;
  /** JSON text, as the model asked for them. */
  readonly arguments: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly preview: string | null;
  /** What asks, in words of perdure.yaml, and why. */
  readonly rule: string;
  readonly reason: string | null;
  readonly state: 'open' | 'settled';
  readonly outcome: ApprovalOutcome | null;
  /** Null where nobody decided. */
  readonly decision: {
    readonly id: string;
    readonly by: string;
    /** JSON text, where the person changed them. */
    readonly arguments?: string | undefined;
    readonly reason?: string | undefined;
  } | null;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly settledAt: string | null;
}

export interface ApprovalFilter {
  readonly tenant: string;
  /** Only of this user's sessions; everybody's in the tenant when absent. */
  readonly user?: string | undefined;
  readonly sessionId?: SessionId | undefined;
  readonly state?: 'open' | 'settled' | undefined;
}

/** A decision that was checked already; `id` is the update's. */
export type DecidedApproval = { readonly id: string; readonly by: string } & (
  | { readonly outcome: 'approved'; readonly arguments?: string | undefined }
  | { readonly outcome: 'rejected'; readonly reason?: string | undefined }
);

export interface ApprovalSettling {
  readonly sessionId: SessionId;
  readonly approvalId: ApprovalId;
  readonly callId: CallId;
  readonly decision?: DecidedApproval | undefined;
  readonly expired?: boolean | undefined;
}

export interface Approvals {
  get(approvalId: ApprovalId): Promise<ApprovalRow | undefined>;
  /** Newest first. */
  list(filter: ApprovalFilter, page: PageRequest): Promise<Page<ApprovalRow>>;
  /** All that are open, of all tenants, and how long the oldest waits (0 where there is none). */
  waiting(): Promise<{ readonly count: number; readonly oldestAgeMs: number }>;
  /**
   * Open → settled, with `approval.settled` and an entry in the audit: approved, and the call begins as it would have without; rejected or
   * expired, and it is settled as `rejected`. What was settled first stays, whatever is asked. @throws not_found
   * @returns how it stands afterwards
   */
  settle(settling: ApprovalSettling): Promise<ApprovalState>;
}
