/** Repeats what may be repeated: a command that carries its own id, or a question. */
import { pause, retryDelayMs } from './backoff.ts';
import { isTransient } from './errors.ts';

export interface RepeatOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long to go on trying, milliseconds; then the last error is thrown. 0 tries once. */
  readonly forMs: number;
  readonly retryDelay?: ((failures: number, error?: unknown) => number) | undefined;
}

/**
 * What `action` returns, tried again while the network, the server's limits or its parts stand in the way.
 * @throws the first error that repeating cannot change, or the last one once the time is over
 */
export async function repeated<T>(
  action: () => Promise<T>,
  { signal, forMs, retryDelay = retryDelayMs }: RepeatOptions,
): Promise<T> {
  let waited = 0;
  for (let failures = 1; ; failures += 1) {
    try {
      return await action();
    } catch (error) {
      if (!isTransient(error)) throw error;
      const wait = retryDelay(failures, error);
      if (waited + wait > forMs) throw error;
      waited += wait;
      await pause(wait, signal);
      signal?.throwIfAborted();
    }
  }
}
