import type { CallId } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { LedgerCall } from '../../journal/port.ts';
import type { ApiContext } from '../context.ts';
import { refuseReplaced } from '../runners/own.ts';
import { findCall } from './result.ts';
import type { Claimant } from './result.ts';

/** Claims a call, or renews the claim. @throws not_found, result_late, runner_replaced */
export async function claimCall(
  ctx: ApiContext,
  { callId, runnerId, holder }: Claimant & { callId: CallId; holder: string },
): Promise<LedgerCall> {
  const { journal, settings } = ctx.deps;
  const { runner } = await findCall(ctx, callId, { runnerId, holder });
  if (runner) refuseReplaced(runner, holder);
  const leaseMs = settings.timeouts.toolLeaseMs;
  const lease = { holder, leaseMs, runner: runnerId };
  const claimed = await journal.ledger.lease(callId, lease);
  if (claimed) return claimed;
  throw new PerdureError(
    'result_late',
    `Call ${callId} is held by somebody else, or has its result already.`,
  );
}
