/** The tool calls of one step, all at once: each gets exactly one result, whoever answers it. */
import { ActivityFailure, CancellationScope, condition } from '@temporalio/workflow';
import { errorInfo, type ErrorInfo } from '../../contracts/errors.ts';
import type { CallId } from '../../contracts/ids.ts';
import type { ToolCallRef, ToolMode } from '../../contracts/tools.ts';
import { mayRun } from './approvals.ts';
import { Places } from './places.ts';
import { stepRef, tell, type Run } from './run.ts';
import type { OpenTurn } from './state.ts';

/** Clocks differ a little: a call may be due here and not yet in the journal. */
const ASK_AGAIN_MS = 1_000;

export async function settleCalls(
  run: Run,
  turn: OpenTurn,
  calls: readonly ToolCallRef[],
): Promise<void> {
  const open = calls.filter((call) => !call.settled);
  for (const { callId } of open) turn.pending.add(callId);
  tell(run);
  const places = placesIn(run.session.limits);
  await Promise.all(open.map((call) => settleCall({ ...run, places }, turn, call)));
}

/** Sessions that were started before there was a limit have none, and the order of commands that they always had. */
const placesIn = ({ parallelCalls }: { readonly parallelCalls?: number }): Places | undefined =>
  parallelCalls === undefined ? undefined : new Places(parallelCalls);

/** Whoever executes a call takes a place; whoever waits for somebody outside takes none. */
interface Settler extends Run {
  readonly places: Places | undefined;
}

async function settleCall(run: Settler, turn: OpenTurn, call: ToolCallRef): Promise<void> {
  // A call without an approval takes no other way than before there were any: histories say so.
  if (!call.approval || (await mayRun(run, turn, call))) await SETTLING[call.mode](run, turn, call);
  turn.pending.delete(call.callId);
  tell(run);
}

/** By a worker's activity, whose executors know how; or by whoever claims the call in the ledger. */
const SETTLING: Readonly<
  Record<ToolMode, (run: Settler, turn: OpenTurn, call: ToolCallRef) => Promise<void>>
> = { worker: executeInPlace, mcp: executeInPlace, client: awaitAnswer, remote: awaitAnswer };

async function executeInPlace(run: Settler, turn: OpenTurn, call: ToolCallRef): Promise<void> {
  if (!run.places) return execute(run, turn, call);
  await run.places.take();
  try {
    await execute(run, turn, call);
  } finally {
    run.places.give();
  }
}

async function execute(run: Run, turn: OpenTurn, call: ToolCallRef): Promise<void> {
  try {
    await run.activities.executeTool(stepRef(run, turn), call);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    // Interrupted: the seal has settled it.
    if (CancellationScope.current().consideredCancelled) throw error;
    // No worker could settle it, so the ledger does.
    await settle(run, turn, { callId: call.callId, giveUp: true, error: lost(error) });
  }
}

const lost = (failure: ActivityFailure): ErrorInfo =>
  errorInfo(
    'tool_failed',
    `The tool could not be run: ${failure.cause?.message ?? failure.message}`,
  );

/** The ledger decides; a signal only says that it has news, and the timer that something is due. */
async function awaitAnswer(run: Run, turn: OpenTurn, { callId }: ToolCallRef): Promise<void> {
  const unclaimedUntil = Date.now() + run.session.limits.toolClaimMs;
  let askAt = unclaimedUntil;
  for (;;) {
    const wait = Math.max(askAt - Date.now(), ASK_AGAIN_MS);
    await condition(() => turn.news.has(callId), wait);
    turn.news.delete(callId);
    const dueAt = await settle(run, turn, { callId, giveUp: Date.now() >= unclaimedUntil });
    if (dueAt === undefined) return;
    askAt = dueAt ?? unclaimedUntil;
  }
}

interface Settling {
  readonly callId: CallId;
  readonly giveUp: boolean;
  readonly error?: ErrorInfo;
}

/** @returns undefined when the call has its result; else when it is due (null: nobody has claimed it). */
async function settle(
  run: Run,
  turn: OpenTurn,
  settling: Settling,
): Promise<number | null | undefined> {
  const result = await run.activities.settleToolCall({ ...stepRef(run, turn), ...settling });
  if (result.state === 'settled') return undefined;
  return result.dueAt === null ? null : Date.parse(result.dueAt);
}
