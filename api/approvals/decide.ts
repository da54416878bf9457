import type { MadeDecision } from '../../contracts/activities.ts';
import type { ApprovalDecision } from '../../contracts/approvals.ts';
import type { ApprovalId } from '../../contracts/ids.ts';
import { MAX_ARGUMENT_BYTES } from '../../contracts/limits.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { ApprovalRow } from '../../journal/port.ts';
import { sees } from '../auth/principal.ts';
import type { ApiContext } from '../context.ts';
import { NoOpenRun } from '../engine/engine-errors.ts';
import { settleLost } from '../sessions/lost-run.ts';
import { updateNamed } from '../sessions/queue.ts';
import type { UpdateName } from '../engine/engine.ts';

/**
 * The session's workflow takes the decision and the journal's row settles it: the first one wins.
 * @returns the approval, settled by this decision
 * @throws not_found, approval_stale, idempotency_conflict, invalid_input (arguments that the tool's schema refuses), forbidden (arguments that the
 *   policy denies), payload_too_large, worker_unavailable
 */
export async function decideApproval(
  ctx: ApiContext,
  { approvalId, ...decision }: ApprovalDecision & { readonly approvalId: ApprovalId },
): Promise<ApprovalRow> {
  const row = await findApproval(ctx, approvalId);
  const made = await madeDecision(ctx, row, decision);
  const key = decision.decisionId ?? ctx.idempotencyKey;
  const update = updateNamed(key, { approval: approvalId, made });
  if (row.state === 'settled') return settledBy(row, update);
  try {
    await take(ctx, row, { made, update });
  } catch (error) {
    if (!isStale(error)) throw error;
  }
  return settledBy(await findApproval(ctx, approvalId), update);
}

const isStale = (error: unknown): boolean =>
  error instanceof PerdureError && error.code === 'approval_stale';

/** @throws not_found, also where the session is another tenant's or user's */
export async function findApproval(
  { deps, principal }: ApiContext,
  approvalId: ApprovalId,
): Promise<ApprovalRow> {
  const row = await deps.journal.approvals.get(approvalId);
  if (row && sees(principal, row)) return row;
  throw new PerdureError('not_found', `There is no approval ${approvalId}.`);
}

async function take(
  { deps, principal }: ApiContext,
  { approvalId, sessionId, turn, step, callId }: ApprovalRow,
  { made, update }: { made: MadeDecision; update: UpdateName },
): Promise<void> {
  const request = { turn, step, callId, approvalId, decision: made, by: principal.user };
  try {
    await deps.engine.decideApproval(sessionId, request, update.id);
  } catch (error) {
    if (!(error instanceof NoOpenRun)) throw error;
    // Its end withdraws what was asked.
    await settleLost(deps, await deps.access.find(principal, sessionId));
  }
}

/** What was decided by this very request, now or when it came before. */
function settledBy(row: ApprovalRow, { id, key }: UpdateName): ApprovalRow {
  const { approvalId, decision, outcome } = row;
  if (decision?.id === id) return row;
  if (key !== undefined && decision?.id.startsWith(`${key}-`))
    throw new PerdureError(
      'idempotency_conflict',
      `This id was used for another decision on ${approvalId}, which stays.`,
    );
  const by = decision ? ` by ${decision.by}` : '';
  const how = outcome === null ? 'no longer waited for' : `${outcome}${by}`;
  throw new PerdureError('approval_stale', `${approvalId} is ${how} already; nothing was changed.`);
}

/** Changed arguments travel as an artifact: no history keeps them. */
async function madeDecision(
  { deps }: ApiContext,
  { tenant, user }: ApprovalRow,
  { decision, arguments: changed, reason }: ApprovalDecision,
): Promise<MadeDecision> {
  if (decision === 'reject') {
    if (changed !== undefined) throw misplaced('arguments', 'approve');
    return reason === undefined ? { decision } : { decision, reason };
  }
  if (reason !== undefined) throw misplaced('reason', 'reject');
  if (changed === undefined) return { decision };
  const bytes = Buffer.from(JSON.stringify(changed));
  if (bytes.length > MAX_ARGUMENT_BYTES)
    throw new PerdureError(
      'payload_too_large',
      `"arguments": ${bytes.length} bytes, at most ${MAX_ARGUMENT_BYTES} are allowed.`,
      { field: 'arguments' },
    );
  const { artifacts } = deps.journal;
  const ref = await artifacts.put({ tenant, user }, bytes, { mediaType: 'application/json' });
  return { decision, argumentsArtifact: ref.artifact };
}

const misplaced = (field: 'arguments' | 'reason', decision: string): PerdureError =>
  new PerdureError('invalid_input', `"${field}": belongs to the decision "${decision}" only.`, {
    field,
  });
