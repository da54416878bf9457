/**
 * Loaded into a measured process by `--import`: collects garbage in all of its threads when the load generator asks, and tells how much
 * memory the process then has. Needs --expose-gc. Threads are reached through the inspector: the journal's starts without our options.
 */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapStatistics, writeHeapSnapshot } from 'node:v8';
import type { HeapInfo } from 'node:v8';
import { isMainThread } from 'node:worker_threads';
import type { Worker } from 'node:worker_threads';
import type { Measure, Memory } from './memory.ts';

const KIB = 1_024;
const PASSES = 4;
const PASS_MS = 400;

const workers = new Set<Worker>();
const gc = (globalThis as { gc?: (options: object) => void }).gc;

if (isMainThread) {
  process.on('worker', (worker) => {
    workers.add(worker);
    worker.once('exit', () => workers.delete(worker));
  });
  process.on('message', (message: Partial<Measure>) => {
    if (message.measureMemory) void measure(message.snapshot);
  });
  // The listener must not keep a process alive that would end without it.
  process.channel?.unref();
}

/** Several passes, because what one thread lets go may hold something in another. */
async function measure(snapshot: string | undefined): Promise<void> {
  for (let pass = 0; pass < PASSES; pass += 1) {
    // What V8 calls a last resort, as the inspector's too: an ordinary collection keeps compiled code, half-empty pages and spare
    // room, which come and go by hundreds of megabytes, more than a thousand sessions take.
    gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    await collectInThreads();
    await sleep(PASS_MS);
  }
  if (snapshot) await writeSnapshots(snapshot);
  const threads = await Promise.all([...workers].map((worker) => worker.getHeapStatistics()));
  const heaps = [getHeapStatistics(), ...threads];
  const sum = (of: (heap: HeapInfo) => number) =>
    Math.round(heaps.reduce((bytes, heap) => bytes + of(heap), 0) / KIB);
  const memory: Memory = {
    residentKb: residentKb(),
    liveKb: sum((heap) => heap.used_heap_size + heap.external_memory),
    heapsKb: sum((heap) => heap.total_physical_size),
  };
  process.send?.({ memory });
}

async function collectInThreads(): Promise<void> {
  const inspector = new Session();
  inspector.connect();
  const message = JSON.stringify({ id: 1, method: 'HeapProfiler.collectGarbage' });
  const all = Promise.withResolvers<void>();
  let missing = workers.size;
  inspector.on('NodeWorker.attachedToWorker', ({ params: { sessionId } }) => {
    void inspector.post('NodeWorker.sendMessageToWorker', { sessionId, message });
  });
  inspector.on('NodeWorker.receivedMessageFromWorker', () => {
    missing -= 1;
    if (missing === 0) all.resolve();
  });
  await inspector.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  if (missing > 0) await all.promise;
  inspector.disconnect();
}

async function writeSnapshots(path: string): Promise<void> {
  writeHeapSnapshot(`${path}-main.heapsnapshot`);
  for (const worker of workers)
    await writeFile(
      `${path}-thread-${worker.threadId}.heapsnapshot`,
      await worker.getHeapSnapshot(),
    );
}

/**
 * Memory that is this process's alone: heaps, buffers, native libraries' data. Clean pages are program text read from files; whether they
 * count as private depends on who else on the machine has the same file open, and moved the figure by 20 MB.
 */
function residentKb(): number {
  const rollup = readFileSync('/proc/self/smaps_rollup', 'utf8');
  return Number(/^Private_Dirty:\s+(\d+)/m.exec(rollup)?.[1] ?? Number.NaN);
}
