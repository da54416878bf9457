/** Removes what is old enough, little by little, from whichever worker comes first: deltas that nobody needs any more, and entries of the audit. */
import type { Settings } from '../config/settings.ts';
import type { Journal } from '../journal/port.ts';
import type { Logger } from '../telemetry/log.ts';

const EVERY_MS = 60_000;
/** One transaction's worth: it holds back the writers of the embedded journal while it runs. */
const TURNS_AT_ONCE = 100;
/** Far more than may be written in the time between: arrivals and refusals are limited. */
const ENTRIES_AT_ONCE = 1_000;

export interface Pruning {
  readonly journal: Pick<Journal, 'events' | 'audit'>;
  readonly log: Logger;
  readonly retention: Pick<Settings['journal'], 'deltaRetentionMs' | 'auditRetentionMs'>;
  readonly everyMs?: number | undefined;
}

/** Runs until disposed of; a failure is logged and tried again at the next turn of the clock. */
export function startPruning({
  journal: { events, audit },
  log,
  retention: { deltaRetentionMs, auditRetentionMs },
  everyMs = EVERY_MS,
}: Pruning): Disposable {
  let running = false;
  const attempt = async (what: string, remove: () => Promise<number>): Promise<void> => {
    try {
      const removed = await remove();
      if (removed > 0) log.debug({ what, removed }, 'pruned');
    } catch (error) {
      log.warn({ what, err: error }, 'pruning failed');
    }
  };
  const prune = async (): Promise<void> => {
    if (running) return;
    running = true;
    await attempt('deltas of settled turns', () =>
      events.prune({ olderThanMs: deltaRetentionMs, limit: TURNS_AT_ONCE }),
    );
    await attempt('entries of the audit', () =>
      audit.prune({ olderThanMs: auditRetentionMs, limit: ENTRIES_AT_ONCE }),
    );
    running = false;
  };
  const timer = setInterval(() => void prune(), everyMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
