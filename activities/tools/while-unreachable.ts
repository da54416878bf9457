/** A result that a tool has brought is worth waiting for the journal: without it, what the tool did could not be told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PerdureError } from '../../contracts/perdure-error.ts';

const EVERY_MS = 500;
const PATIENCE_MS = 30_000;

/** Tries again while the journal cannot be reached. What it does must be harmless to do twice. */
export async function whileUnreachable<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const isAway = error instanceof PerdureError && error.code === 'journal_unavailable';
      if (!isAway || signal.aborted || performance.now() > until) throw error;
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
    }
  }
}
