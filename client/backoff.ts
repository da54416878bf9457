/** How long to wait before trying again. */
import { TIME_LIMITS } from '../contracts/limits.ts';
import { PerdureError } from '../contracts/perdure-error.ts';

const FIRST_WAIT_MS = 250;
/** A server that asks for more than this is not waited for: the caller decides. */
const LONGEST_RETRY_AFTER_MS = 300_000;

/**
 * Exponential, up to 5 s (mission D3), the upper half of each wait random, so that a thousand clients do not return at once to
 * a server that has just restarted. A longer Retry-After wins, up to 5 min.
 * @param failures in a row, 1 = the first
 */
export function retryDelayMs(failures: number, error?: unknown, random = Math.random): number {
  const whole = Math.min(
    TIME_LIMITS.socketReconnectMs,
    FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 20),
  );
  const jittered = whole / 2 + (whole / 2) * random();
  const asked = error instanceof PerdureError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(jittered, Math.min(asked, LONGEST_RETRY_AFTER_MS));
}

/** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}
