/** Calls of tools that wait for a person's word. */
import type { ApprovalDecision } from '../contracts/approvals.ts';
import { newId, parseId } from '../contracts/ids.ts';
import type { SessionId } from '../contracts/ids.ts';
import type { Calls } from './calls.ts';
import type { CallOptions } from './session-commands.ts';

export interface ApprovalListOptions extends CallOptions {
  /** `open` where absent: those that wait. */
  readonly state?: 'open' | 'settled' | undefined;
  readonly sessionId?: SessionId | undefined;
  /** From the page before. */
  readonly cursor?: string | undefined;
  /** 1 to 200. */
  readonly limit?: number | undefined;
}

export type ApprovalsClient = ReturnType<typeof approvalsClient>;

/** Made by `PerdureClient.approvals`. */
export const approvalsClient = ({ call }: Calls) => ({
  /** Newest first; `nextCursor` is null at the end. */
  list: ({ signal, ...filter }: ApprovalListOptions = {}) =>
    call((trpc, options) => trpc.approval.list.query(filter, options), signal),

  /** @throws {PerdureError} `invalid_id`, `not_found` */
  async get(approvalId: string, { signal }: CallOptions = {}) {
    const ref = { approvalId: parseId(approvalId, 'apr') };
    return call((trpc, options) => trpc.approval.get.query(ref, options), signal);
  },

  /**
   * Says yes, no, or yes with changed arguments; the first decision wins. Repeated over network failures under one id.
   * @returns the approval, settled by this decision
   * @throws {PerdureError} `approval_stale` (decided already, expired, or its turn has ended), `invalid_input` (the tool's schema refuses the
   *   arguments), `forbidden` (the policy denies them), `not_found`, `worker_unavailable`
   */
  async decide(approvalId: string, decision: ApprovalDecision, { signal }: CallOptions = {}) {
    const ref = { approvalId: parseId(approvalId, 'apr') };
    const input = { decisionId: newId('msg'), ...decision, ...ref };
    return call((trpc, options) => trpc.approval.decide.mutate(input, options), signal);
  },
});

/** An approval as the API shows it. */
export type Approval = Awaited<ReturnType<ApprovalsClient['get']>>;
