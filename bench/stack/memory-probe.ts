/**
 * Loaded into a measured process by `--import` (and so into each of its threads): collects garbage everywhere when the
 * load generator asks, and tells how much memory the process then has. Needs --expose-gc.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';

const channel = new BroadcastChannel('perdure-bench-gc');
const collect = (globalThis as { gc?: () => void }).gc ?? (() => {});
const PASSES = 4;
const PASS_MS = 400;

if (isMainThread) {
  process.on('message', (message: { measureMemory?: boolean }) => {
    if (message.measureMemory) void measure();
  });
  // Neither the listener nor the channel may keep a process alive that would end without them.
  process.channel?.unref();
} else {
  channel.addEventListener('message', () => collect());
}
channel.unref();

async function measure(): Promise<void> {
  for (let pass = 0; pass < PASSES; pass += 1) {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- Node's channel takes none
    channel.postMessage('collect');
    collect();
    await sleep(PASS_MS);
  }
  process.send?.({ memoryKb: residentKb() });
}

/** Private memory of the process: what its threads and native libraries hold is in it, shared program text is not. */
function residentKb(): number {
  const rollup = readFileSync('/proc/self/smaps_rollup', 'utf8');
  const field = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? Number.NaN);
  return field('Private_Clean') + field('Private_Dirty');
}
