/** Keeps a claim while its tool runs, and knows when it may have lapsed: from then on another runner may be given the call. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClaimedCall } from '../client/index.ts';
import type { CallId } from '../contracts/ids.ts';
import type { CallParts } from './call-parts.ts';

/** Of the lease. Renewed after a third, a try may take another, so that one that hangs costs no claim. */
const RENEW_SHARE = 1 / 3;
/** Between tries while the API cannot be reached. */
const AGAIN_SHARE = 1 / 30;
/** Left of the lease for the tool to end. */
const ENDING_SHARE = 1 / 10;

export interface Renewing {
  readonly callId: CallId;
  /** Of the claim. */
  readonly sentAt: number;
  /** Ends it. */
  readonly stop: AbortSignal;
  /** Somebody else has the call, or its result is wanted no more. */
  readonly onLost: () => void;
  /** No renewal got through in time. */
  readonly onLapsed: () => void;
}

/**
 * Monotonic milliseconds that are left of a claim. The API counts its lease from when the request arrived, so that counting from when it was
 * sent is never too long.
 */
export const leaseLeftMs = ({ leaseMs }: Pick<CallParts, 'leaseMs'>, sentAt: number): number =>
  sentAt + leaseMs * (1 - ENDING_SHARE) - performance.now();

/** Resolves when `stop` aborts, or the claim is lost. A renewal that fails is tried again. */
export async function renew(parts: CallParts, renewing: Renewing): Promise<void> {
  const { leaseMs } = parts;
  const { callId, stop, onLost, onLapsed } = renewing;
  const lapseAfter = (sentAt: number) => setTimeout(onLapsed, leaseLeftMs(parts, sentAt));
  let lapse = lapseAfter(renewing.sentAt);
  let share = RENEW_SHARE;
  try {
    for (;;) {
      await sleep(leaseMs * share, undefined, { signal: stop }).catch(() => undefined);
      if (stop.aborted) return;
      const renewal = await renewalOf(parts, callId, stop);
      if (stop.aborted) return;
      if (renewal === 'refused') return onLost();
      share = renewal ? RENEW_SHARE : AGAIN_SHARE;
      if (!renewal) continue;
      clearTimeout(lapse);
      lapse = lapseAfter(renewal.sentAt);
    }
  } finally {
    clearTimeout(lapse);
  }
}

/** @returns undefined where the API cannot be reached; what is wrong is told by the stream of calls */
async function renewalOf(
  { client, runnerId, leaseMs }: CallParts,
  callId: CallId,
  stop: AbortSignal,
): Promise<ClaimedCall | 'refused' | undefined> {
  const patience = AbortSignal.timeout(leaseMs * RENEW_SHARE);
  try {
    return (await client.claim(runnerId, callId, AbortSignal.any([stop, patience]))) ?? 'refused';
  } catch {
    return undefined;
  }
}
