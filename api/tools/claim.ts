import type { CallId } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { TOOL_POLICY } from '../../contracts/policies.ts';
import type { LedgerCall } from '../../journal/port.ts';
import type { ApiContext } from '../context.ts';
import { refuseReplaced } from '../runners/own.ts';
import { findCall, tell } from './result.ts';
import type { Claimant } from './result.ts';

/** Claims a call, or renews the claim. @throws not_found, result_late, runner_replaced */
export async function claimCall(
  ctx: ApiContext,
  { callId, runnerId, holder }: Claimant & { callId: CallId; holder: string },
): Promise<LedgerCall> {
  const { journal, settings } = ctx.deps;
  const { call, runner } = await findCall(ctx, callId, { runnerId, holder });
  if (runner) refuseReplaced(runner, holder);
  const { attempts } = settings.policies[TOOL_POLICY[call.effect]];
  const leaseMs = settings.timeouts.toolLeaseMs;
  const lease = { holder, leaseMs, runner: runnerId, attempts };
  const claimed = await journal.ledger.lease(callId, lease);
  if (claimed) return claimed;
  // This claim may have been the one too many, which ends the call.
  if ((await journal.ledger.get(callId))?.state === 'answered') await tell(ctx, call);
  throw new PerdureError(
    'result_late',
    `Call ${callId} is held by somebody else, or has its result already.`,
  );
}
