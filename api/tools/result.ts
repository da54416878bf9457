import { partsWithFiles } from '../../contracts/content.ts';
import { INLINE_BYTES, MAX_TOOL_RESULT_BYTES } from '../../contracts/limits.ts';
import { errorInfo } from '../../contracts/errors.ts';
import type { CallId, SessionId } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { SessionState } from '../../contracts/session-state.ts';
import type { ToolAnswer, ToolSettlement } from '../../contracts/tools.ts';
import type { LedgerCall } from '../../journal/port.ts';
import type { ApiContext } from '../context.ts';
import { sees } from '../auth/principal.ts';
import { storedParts } from '../sessions/content.ts';

export interface ResultGiven {
  readonly sessionId: SessionId;
  readonly callId: CallId;
  readonly state: SessionState;
}

export interface GivenResult {
  readonly callId: CallId;
  readonly outcome: ToolAnswer;
  /** Where the request names the session: the call must be one of it. */
  readonly sessionId?: SessionId | undefined;
}

/**
 * The ledger decides at once and for good; the workflow is only told to look. A lost signal is made up for by the sweeper.
 * @throws not_found, result_late, result_duplicate, payload_too_large
 */
export async function giveResult(
  ctx: ApiContext,
  { callId, outcome, sessionId }: GivenResult,
): Promise<ResultGiven> {
  const { deps } = ctx;
  const call = await findCall(ctx, callId);
  if (sessionId !== undefined && call.sessionId !== sessionId) throw unknownCall(callId);
  const verdict = await deps.journal.ledger.answer(callId, await settlementOf(ctx, outcome));
  if (verdict === 'unknown') throw unknownCall(callId);
  if (verdict === 'late')
    throw new PerdureError('result_late', `Call ${callId} was settled already, without a result.`);
  if (verdict === 'duplicate')
    throw new PerdureError('result_duplicate', `Call ${callId} has another result already.`);
  if (verdict === 'accepted') await tell(ctx, call);
  const row = await deps.access.findForCommand(ctx.principal, call.sessionId);
  return { sessionId: call.sessionId, callId, state: row.state };
}

/** @throws not_found, also where the call is another tenant's or user's */
export async function findCall(
  { deps, principal }: ApiContext,
  callId: CallId,
): Promise<LedgerCall> {
  const call = await deps.journal.ledger.get(callId);
  if (call && sees(principal, call)) return call;
  throw unknownCall(callId);
}

const unknownCall = (callId: CallId): PerdureError =>
  new PerdureError('not_found', `There is no call ${callId}.`);

async function tell({ deps, requestId }: ApiContext, call: LedgerCall): Promise<void> {
  const { sessionId, callId } = call;
  try {
    await deps.engine.toolResult(sessionId, callId);
  } catch (error) {
    deps.log.warn({ error, sessionId, callId, requestId }, 'result is in the ledger, signal later');
  }
}

async function settlementOf(ctx: ApiContext, answer: ToolAnswer): Promise<ToolSettlement> {
  if (answer.status === 'failed')
    return { outcome: 'failed', error: errorInfo('tool_failed', answer.message) };
  if (answer.artifact) return { outcome: 'completed', artifact: await known(ctx, answer.artifact) };
  const result = (await storedResult(ctx, answer.result)) ?? null;
  const text = JSON.stringify(result);
  const size = Buffer.byteLength(text);
  if (size > MAX_TOOL_RESULT_BYTES)
    throw new PerdureError(
      'payload_too_large',
      `"outcome.result": ${size} bytes, at most ${MAX_TOOL_RESULT_BYTES} are allowed; upload it as an artifact and send the reference.`,
      { field: 'outcome.result' },
    );
  if (size <= INLINE_BYTES) return { outcome: 'completed', result };
  const { artifacts } = ctx.deps.journal;
  const ref = await artifacts.put(ctx.principal, Buffer.from(text), {
    mediaType: 'application/json',
  });
  return { outcome: 'completed', artifact: ref };
}

type Result = Extract<ToolAnswer, { status: 'completed' }>['result'];

/** Files among the parts of a result, as they are stored. */
async function storedResult({ deps, principal }: ApiContext, result: Result): Promise<Result> {
  const parts = partsWithFiles(result);
  return parts ? storedParts(deps, principal, { parts, field: 'outcome.result' }) : result;
}

type Artifact = NonNullable<Extract<ToolAnswer, { status: 'completed' }>['artifact']>;

async function known({ deps, principal }: ApiContext, { artifact }: Artifact): Promise<Artifact> {
  const found = await deps.journal.artifacts.stat(principal.tenant, artifact);
  if (found) return found;
  throw new PerdureError('not_found', `There is no artifact ${artifact}.`, {
    field: 'outcome.artifact',
  });
}
