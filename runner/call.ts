/**
 * The life of one call on this machine. Each step is on the disk before it is taken, so that a runner that was killed anywhere knows what it
 * may still do: nothing was done yet, it may have taken effect, or this is the result.
 */
import type { ClaimedCall } from '../client/index.ts';
import { failed } from '../client/tool-outcome.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import type { AgentToolCall } from '../contracts/runners.ts';
import type { ToolAnswer } from '../contracts/tools.ts';
import type { KeptCall } from './call-files.ts';
import type { CallParts } from './call-parts.ts';
import { executed, runOf, Stop } from './executing.ts';
import type { Executed } from './executing.ts';
import { deliverable, success } from './outcome.ts';

/**
 * A call that was offered: permitted, claimed, executed, delivered.
 * @param signal aborts with a {@link Stop}
 * @throws {PerdureError} what no repetition changes: `unauthenticated`, `runner_replaced` …
 */
export async function attend(
  parts: CallParts,
  action: AgentToolCall,
  signal: AbortSignal,
): Promise<void> {
  // Before the claim: a person who thinks costs the call nothing of its time.
  const refusal = await parts.permit(action, signal);
  using slot = await parts.slots.take(signal);
  if (!slot) return;
  parts.files.keep({ state: 'claiming', action });
  await claimed(parts, { action, signal, refusal });
}

/**
 * A call that an earlier process left.
 * @throws as {@link attend}
 */
export async function resume(parts: CallParts, kept: KeptCall, signal: AbortSignal): Promise<void> {
  const { action } = kept;
  if (kept.state === 'done') return deliver(parts, { ...kept, signal });
  // Nobody has said yes to it, or not to this process.
  if (kept.state === 'claiming') return attend(parts, action, signal);
  const outcome =
    action.invocation.effect === 'never-retry' ? await found(parts, action, signal) : undefined;
  if (outcome) {
    parts.files.keep({ state: 'done', action, outcome });
    return deliver(parts, { action, outcome, signal });
  }
  using slot = await parts.slots.take(signal);
  if (slot) await claimed(parts, { action, signal });
}

/**
 * What became of a call that must not run twice and was begun. The process that began it is dead, its sandboxed programs with it.
 * @returns undefined where it did not happen, so that it may run
 */
async function found(
  parts: CallParts,
  action: AgentToolCall,
  signal: AbortSignal,
): Promise<ToolAnswer | undefined> {
  const { name } = action.invocation;
  const probe = parts.tools.get(name)?.probe;
  const run = runOf(parts, action, { signal, progress: () => undefined });
  const answer = (await probe?.(run).catch(() => undefined)) ?? 'unknown';
  if (answer !== 'unknown') return answer.happened ? success(answer.result) : undefined;
  return {
    status: 'unknown',
    message: `The runner ended while ${name} ran. It may or may not have taken effect, and was not run again.`,
  };
}

interface Claiming {
  readonly action: AgentToolCall;
  readonly signal: AbortSignal;
  /** Why it must not run. */
  readonly refusal?: string | undefined;
}

async function claimed(parts: CallParts, claiming: Claiming): Promise<void> {
  const { action, signal, refusal } = claiming;
  const { callId } = action.invocation;
  const claim = await claimOf(parts, claiming);
  if (!claim) return;
  const outcome: Executed =
    refusal === undefined
      ? await begun(parts, { action, claim, signal })
      : { status: 'rejected', message: refusal };
  if (outcome === 'lapsed') return claimed(parts, claiming);
  if (outcome) {
    parts.files.keep({ state: 'done', action, outcome });
    return deliver(parts, { action, outcome, signal });
  }
  // What another process may run again stays on the disk for it.
  if (isQuit(signal)) return;
  parts.files.forget(callId);
  dropped(parts, action, 'its result is wanted no more');
}

async function claimOf(
  parts: CallParts,
  { action, signal }: Claiming,
): Promise<ClaimedCall | undefined> {
  const { callId } = action.invocation;
  try {
    const claim = await parts.client.claim(parts.runnerId, callId, signal);
    if (claim) return claim;
    dropped(parts, action, 'somebody else has it, or its result is wanted no more');
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    // The claim may have reached the API: the next process finds out.
    if (error.why === 'quit') return undefined;
    dropped(parts, action, 'its result is wanted no more');
  }
  parts.files.forget(callId);
  return undefined;
}

function begun(
  parts: CallParts,
  { action, ...rest }: { action: AgentToolCall; claim: ClaimedCall; signal: AbortSignal },
): Promise<Executed> {
  parts.files.keep({ state: 'begun', action });
  parts.report({ type: 'started', action });
  return executed(parts, { action, ...rest });
}

interface Delivery {
  readonly action: AgentToolCall;
  readonly outcome: ToolAnswer;
  readonly signal: AbortSignal;
}

/** How long a runner that ends goes on trying. */
const LAST_WORDS_MS = 5_000;

/** The result stays on the disk until the API has it, or says that it will never take it. */
async function deliver(parts: CallParts, { action, outcome, signal }: Delivery): Promise<void> {
  const { client, runnerId, files, report } = parts;
  const { callId, name } = action.invocation;
  report({ type: 'finished', callId, name, status: outcome.status });
  // One whose call is gone is told so by the API itself, in one word.
  const patience = isQuit(signal) ? AbortSignal.timeout(LAST_WORDS_MS) : undefined;
  try {
    const given = await deliverable(outcome, (bytes, type) => client.upload(bytes, type, patience));
    await client.answer(runnerId, { callId, outcome: given }, patience);
    report({ type: 'delivered', callId, name });
  } catch (error) {
    if (patience?.aborted) return;
    if (!(error instanceof PerdureError)) throw error;
    if (UNTAKEABLE.has(error.code) && outcome.status === 'completed') {
      const instead = failed(`The result was not taken: ${error.message}`);
      files.keep({ state: 'done', action, outcome: instead });
      return deliver(parts, { action, outcome: instead, signal });
    }
    if (!REFUSED.has(error.code)) throw error;
    dropped(parts, action, error.message);
  }
  files.forget(callId);
}

const REFUSED: ReadonlySet<string> = new Set(['result_late', 'result_duplicate', 'not_found']);
const UNTAKEABLE: ReadonlySet<string> = new Set(['payload_too_large', 'invalid_input']);

const isQuit = (signal: AbortSignal): boolean =>
  signal.aborted && signal.reason instanceof Stop && signal.reason.why === 'quit';

const dropped = (
  { report }: CallParts,
  { invocation: { callId, name } }: AgentToolCall,
  why: string,
): void => report({ type: 'dropped', callId, name, why });
