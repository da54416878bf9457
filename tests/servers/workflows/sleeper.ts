import { sleep } from '@temporalio/workflow';

/** Sleeps on Temporal's clock and answers how long it slept by that clock. */
export async function sleeper(durationMs: number): Promise<number> {
  const started = Date.now();
  await sleep(durationMs);
  return Date.now() - started;
}
