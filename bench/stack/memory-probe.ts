/**
 * Loaded into a measured process by `--import` (and so into each of its threads): collects garbage everywhere when the
 * load generator asks, and tells how much memory the process then has. Needs --expose-gc.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapStatistics, writeHeapSnapshot } from 'node:v8';
import { isMainThread, threadId } from 'node:worker_threads';
import type { Measure, Memory } from './memory.ts';

interface Collect {
  /** Where a heap snapshot of each thread goes. */
  readonly snapshot?: string | undefined;
}

interface ThreadMemory {
  readonly thread: number;
  readonly liveKb: number;
}

const KIB = 1_024;
const PASSES = 4;
const PASS_MS = 400;

const requests = new BroadcastChannel('perdure-bench-collect');
const answers = new BroadcastChannel('perdure-bench-collected');
const gc = (globalThis as { gc?: (options: object) => void }).gc;

if (isMainThread) {
  process.on('message', (message: Partial<Measure>) => {
    if (message.measureMemory) void measure(message.snapshot);
  });
  // Neither the listener nor the channels may keep a process alive that would end without them.
  process.channel?.unref();
} else {
  requests.addEventListener('message', (event) => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- Node's channel takes none
    answers.postMessage(collect((event as MessageEvent).data as Collect));
  });
}
requests.unref();
answers.unref();

/**
 * What V8 calls a last resort: an ordinary collection keeps compiled code, half-empty pages and spare room, which come and
 * go by hundreds of megabytes, more than a thousand sessions take.
 */
function collect({ snapshot }: Collect): ThreadMemory {
  gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  if (snapshot) writeHeapSnapshot(`${snapshot}-thread-${threadId}.heapsnapshot`);
  const { used_heap_size: used, external_memory: external } = getHeapStatistics();
  return { thread: threadId, liveKb: (used + external) / KIB };
}

/** Several passes, because what one thread lets go may hold something in another. */
async function measure(snapshot: string | undefined): Promise<void> {
  const threads = new Map<number, ThreadMemory>();
  const note = (event: Event) => {
    const told = (event as MessageEvent).data as ThreadMemory;
    threads.set(told.thread, told);
  };
  answers.addEventListener('message', note);
  for (let pass = 1; pass <= PASSES; pass += 1) {
    const request: Collect = pass === PASSES ? { snapshot } : {};
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- Node's channel takes none
    requests.postMessage(request);
    threads.set(threadId, collect(request));
    await sleep(PASS_MS);
  }
  answers.removeEventListener('message', note);
  const liveKb = [...threads.values()].reduce((sum, thread) => sum + thread.liveKb, 0);
  const memory: Memory = { residentKb: residentKb(), liveKb: Math.round(liveKb) };
  process.send?.({ memory });
}

/** Private memory of the process: what its threads and native libraries hold is in it, shared program text is not. */
function residentKb(): number {
  const rollup = readFileSync('/proc/self/smaps_rollup', 'utf8');
  const field = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? Number.NaN);
  return field('Private_Clean') + field('Private_Dirty');
}
