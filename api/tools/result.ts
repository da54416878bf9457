import { partsWithFiles } from '../../contracts/content.ts';
import { INLINE_BYTES, MAX_TOOL_RESULT_BYTES } from '../../contracts/limits.ts';
import { errorInfo } from '../../contracts/errors.ts';
import type { CallId, RunnerId, SessionId } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { SessionState } from '../../contracts/session-state.ts';
import type { ToolAnswer, ToolSettlement } from '../../contracts/tools.ts';
import type { LedgerCall, RunnerRow } from '../../journal/port.ts';
import type { ApiContext } from '../context.ts';
import { sees, type Principal } from '../auth/principal.ts';
import { ownRunner } from '../runners/own.ts';
import { isHeldBy, mayServe } from '../runners/serving.ts';
import { storedParts } from '../sessions/content.ts';

export interface ResultGiven {
  readonly sessionId: SessionId;
  readonly callId: CallId;
  readonly state: SessionState;
}

/** Of remote calls. */
export interface Claimant {
  /** The caller's own. */
  readonly runnerId?: RunnerId | undefined;
  /** Under which claim. */
  readonly holder?: string | undefined;
}

export interface GivenResult extends Claimant {
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
  { callId, outcome, sessionId, runnerId, holder }: GivenResult,
): Promise<ResultGiven> {
  const { deps } = ctx;
  const { call } = await findCall(ctx, callId, { runnerId, holder });
  if (sessionId !== undefined && call.sessionId !== sessionId) throw unknownCall(callId);
  const settlement = await settlementOf(ctx, outcome);
  const verdict = await deps.journal.ledger.answer(callId, settlement, holder);
  if (verdict === 'unknown') throw unknownCall(callId);
  if (verdict === 'late')
    throw new PerdureError(
      'result_late',
      `Call ${callId} was settled already, without a result, or somebody else holds it.`,
    );
  if (verdict === 'duplicate')
    throw new PerdureError('result_duplicate', `Call ${callId} has another result already.`);
  // A shared runner answers in sessions that it may not look at.
  const owner = { ...ctx.principal, tenant: call.tenant, user: call.user };
  const [row] = await Promise.all([
    deps.access.findForCommand(owner, call.sessionId),
    verdict === 'accepted' && tell(ctx, call),
  ]);
  return { sessionId: call.sessionId, callId, state: row.state };
}

export interface FoundCall {
  readonly call: LedgerCall;
  /** The caller's, of a remote call. */
  readonly runner: RunnerRow | undefined;
}

/**
 * @throws not_found, also where the call is another tenant's or user's, or one that the runner may not execute; invalid_input where a remote
 *   call is handled without a runner
 */
export async function findCall(
  ctx: ApiContext,
  callId: CallId,
  { runnerId, holder = '' }: Claimant = {},
): Promise<FoundCall> {
  const { deps, principal } = ctx;
  const [call, runner] = await Promise.all([
    deps.journal.ledger.get(callId),
    runnerId === undefined ? undefined : ownRunner(ctx, runnerId),
  ]);
  if (runner) {
    if (call && (isHeldBy(runner, call, holder) || mayServe(runner, call))) return { call, runner };
    throw unknownCall(callId);
  }
  if (!call || !mayAnswer(principal, call)) throw unknownCall(callId);
  if (call.mode !== 'remote') return { call, runner };
  throw new PerdureError(
    'invalid_input',
    `"runnerId": call ${callId} is for a remote runner; expected the id of one.`,
    { field: 'runnerId' },
  );
}

/** What a person is asked is not for their runner to answer, though both are the same user: its key lies on another machine. */
const mayAnswer = (principal: Principal, call: LedgerCall): boolean =>
  sees(principal, call) && (principal.role !== 'runner' || call.mode === 'remote');

const unknownCall = (callId: CallId): PerdureError =>
  new PerdureError('not_found', `There is no call ${callId}.`);

/** A lost signal is made up for by the sweeper. */
export async function tell({ deps, requestId }: ApiContext, call: LedgerCall): Promise<void> {
  const { sessionId, callId } = call;
  try {
    await deps.engine.toolResult(sessionId, callId);
  } catch (error) {
    deps.log.warn({ error, sessionId, callId, requestId }, 'result is in the ledger, signal later');
  }
}

const CODE_OF = {
  failed: 'tool_failed',
  rejected: 'tool_denied',
  unknown: 'tool_outcome_unknown',
} as const;

async function settlementOf(ctx: ApiContext, answer: ToolAnswer): Promise<ToolSettlement> {
  if (answer.status !== 'completed')
    return { outcome: answer.status, error: errorInfo(CODE_OF[answer.status], answer.message) };
  if (answer.artifact) {
    const artifact = await known(ctx, answer.artifact);
    const { preview } = answer;
    return { outcome: 'completed', ...(preview !== undefined && { result: preview }), artifact };
  }
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
