import type { ApiDeps } from '../deps.ts';

/**
 * Looks how many people are waited for, and for how long: not when the metrics are asked for, which must be answered without the journal, too.
 * What is not known any more is not shown.
 */
export const openApprovals =
  ({ journal, metrics }: ApiDeps) =>
  async (): Promise<void> => {
    try {
      const { count, oldestAgeMs } = await journal.approvals.waiting();
      metrics.openApprovals.set(count);
      metrics.oldestApproval.set(oldestAgeMs / 1_000);
    } catch (error) {
      metrics.openApprovals.remove();
      metrics.oldestApproval.remove();
      throw error;
    }
  };
