/** What a worker says of a call that it runs, before it ends: how far it is, or that it let go of it. */
import type { Operation } from '../group-commit.ts';
import { NOBODY, SOMEBODY } from '../port.ts';
import type { Fence } from '../port.ts';
import type { CallRecord } from '../tables.ts';
import { compareFence } from './fence.ts';
import { needsOf } from './lease-call.ts';
import type { CallRef } from './lease-call.ts';

const runs = (call: CallRecord, fence: Fence): boolean =>
  call.state === 'running' && compareFence(fence, call) === 0;

export interface RunProgress {
  readonly message: string;
  readonly fraction?: number | undefined;
}

/** @returns false where the attempt runs the call no more */
export const reportRun = (
  ref: CallRef,
  { fence, progress }: { fence: Fence; progress: RunProgress },
): Operation<boolean> => ({
  needs: needsOf(ref),
  apply(draft) {
    const call = draft.calls.get(ref.callId)!;
    if (!runs(call, fence)) return false;
    const { turn, step } = call;
    const { message, fraction } = progress;
    draft.append(
      { turn, step },
      { type: 'tool.progress', data: { callId: ref.callId, message, fraction } },
    );
    return true;
  },
});

export const leaveRun = (
  ref: CallRef,
  { fence, holder }: { fence: Fence; holder: string },
): Operation<void> => ({
  needs: needsOf(ref),
  apply(draft) {
    const call = draft.calls.get(ref.callId)!;
    if (!runs(call, fence)) return;
    draft.putCall({ ...call, holder: holderOf(withoutOne(holdersOf(call), holder)) });
  },
});

/**
 * Who may be running the call. An attempt that takes over adds itself: whoever stands still may go on again, however many have come and gone
 * since. The column is from before there were names.
 */
export function holdersOf({ attempts, holder }: CallRecord): readonly string[] {
  if (attempts === 0 || holder === NOBODY) return [];
  return holder === null ? [SOMEBODY] : holder.split('\n');
}

export const holderOf = (holders: readonly string[]): string => holders.join('\n') || NOBODY;

export function withoutOne(holders: readonly string[], holder: string): readonly string[] {
  const at = holders.lastIndexOf(holder);
  return at === -1 ? holders : holders.toSpliced(at, 1);
}
