import { fileURLToPath } from 'node:url';
import { firstMessage } from './fork.ts';
import type { Forked } from './fork.ts';

const probe = fileURLToPath(new URL('./memory-probe.ts', import.meta.url));

/** Node options of a process whose memory is to be measured. */
export const MEASURED = ['--expose-gc', '--import', probe] as const;

/** Kilobytes of 1,024 bytes, after a full garbage collection in all threads of a process. */
export interface Memory {
  /** Private resident memory, which is what the machine must have: heaps, buffers, native libraries and what their allocator keeps. */
  readonly residentKb: number;
  /** Objects and buffers of JavaScript that something still refers to: says whether growth is a leak of ours. */
  readonly liveKb: number;
  /** Resident pages of JavaScript's heaps, objects and what is free between them; the rest of `residentKb` is native code's. */
  readonly heapsKb: number;
}

export interface Measure {
  readonly measureMemory: true;
  /** Beginning of the file names of heap snapshots, one a thread. Writing them takes memory itself: not for figures. */
  readonly snapshot?: string | undefined;
}

export async function memoryOf(forked: Forked, snapshot?: string): Promise<Memory> {
  const answer = firstMessage(forked, (message) => (message as { memory?: Memory }).memory);
  const request: Measure = { measureMemory: true, snapshot };
  forked.process.send(request);
  return answer;
}

export const less = (a: Memory, b: Memory): Memory => ({
  residentKb: a.residentKb - b.residentKb,
  liveKb: a.liveKb - b.liveKb,
  heapsKb: a.heapsKb - b.heapsKb,
});
