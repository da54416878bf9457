/** Removes deltas that nobody needs any more, little by little, from whichever worker comes first. */
import type { Journal } from '../journal/port.ts';
import type { Logger } from '../telemetry/log.ts';

const EVERY_MS = 60_000;
/** One transaction's worth: it holds back the writers of the embedded journal while it runs. */
const TURNS_AT_ONCE = 100;

export interface Pruning {
  readonly journal: Journal;
  readonly log: Logger;
  /** Deltas of turns settled longer ago than this. */
  readonly retentionMs: number;
  readonly everyMs?: number | undefined;
}

/** Runs until disposed of; a failure is logged and tried again at the next turn of the clock. */
export function startPruning({
  journal,
  log,
  retentionMs,
  everyMs = EVERY_MS,
}: Pruning): Disposable {
  let running = false;
  const prune = async (): Promise<void> => {
    if (running) return;
    running = true;
    try {
      const removed = await journal.events.prune({
        olderThanMs: retentionMs,
        limit: TURNS_AT_ONCE,
      });
      if (removed > 0) log.debug({ removed }, 'deltas of settled turns pruned');
    } catch (error) {
      log.warn({ err: error }, 'pruning failed');
    } finally {
      running = false;
    }
  };
  const timer = setInterval(() => void prune(), everyMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
