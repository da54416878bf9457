/** Makes up for what an API process that died, or Temporal's absence, left between the journal and Temporal. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiDeps } from './deps.ts';
import { halfStarts } from './sweeps/half-starts.ts';
import { lostRuns } from './sweeps/lost-runs.ts';
import { lostSignals } from './sweeps/lost-signals.ts';
import { openApprovals } from './sweeps/open-approvals.ts';
import { revokedKeys } from './sweeps/revoked-keys.ts';
import { signInCircuits } from './sweeps/sign-in-circuits.ts';

/** Milliseconds. */
export interface Sweeping {
  readonly everyMs: number;
  /** A session that is `starting` for longer was left by whoever started it. */
  readonly startStalledMs: number;
  /** In a session whose run is lost nothing happens any more. */
  readonly quietForMs: number;
}

/** A start asks Temporal for 5 s at most; whoever made a row that is older has given up or died. */
export const SWEEPING: Sweeping = { everyMs: 3_000, startStalledMs: 10_000, quietForMs: 30_000 };

/** Prometheus looks about as often. */
const GAUGES_MS = 15_000;

/** With the time for which a key is remembered, this keeps below the 5 s after which a revoked key has lost its streams everywhere. */
const REVOKED_KEYS_MS = 2_000;

/** Any number of API processes sweep at once: each step is harmless to repeat. */
export function startSweeper(
  deps: ApiDeps,
  { everyMs, startStalledMs, quietForMs }: Sweeping,
): () => Promise<void> {
  const stop = new AbortController();
  const sweeps = [lostSignals(deps), halfStarts(deps, startStalledMs), lostRuns(deps, quietForMs)];
  const running = Promise.all([
    ...sweeps.map((sweep) => repeat(sweep, everyMs)),
    repeat(revokedKeys(deps), REVOKED_KEYS_MS),
    repeat(openApprovals(deps), Math.max(everyMs, GAUGES_MS)),
    repeat(signInCircuits(deps), Math.max(everyMs, GAUGES_MS)),
  ]);
  return async () => {
    stop.abort();
    await running;
  };

  async function repeat(sweep: () => Promise<void>, ms: number): Promise<void> {
    while (!stop.signal.aborted) {
      await sleep(ms, undefined, { signal: stop.signal, ref: false }).catch(() => undefined);
      if (stop.signal.aborted) return;
      await sweep().catch((error: unknown) => deps.log.warn({ err: error }, 'sweep failed'));
    }
  }
}
