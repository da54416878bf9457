/** Waiting that ends when a signal does, whatever the other side makes of it: an interrupt must not wait for a provider. */

interface Aborted extends Disposable {
  /** Rejects with the signal's reason. */
  readonly promise: Promise<never>;
}

function abortOf(signal: AbortSignal): Aborted {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined);
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  return { promise, [Symbol.dispose]: () => signal.removeEventListener('abort', onAbort) };
}

/** @throws the signal's reason once it aborts */
export async function orAbort<T>(work: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  using aborted = abortOf(signal);
  return await Promise.race([work, aborted.promise]);
}

/**
 * Hands each part to `take`, and waits where that wants to be waited for. Does not cancel the source when the signal aborts: its owner
 * aborts what feeds it. (Cancelling a chain of piped streams while its beginning fails left a rejection that nobody could handle, which
 * ends a process: seen with OpenRouter's library on Node 24.)
 * @throws once the signal aborts: the reader is let go of, which ends the read under way; racing each read would cost every token three promises
 */
export async function readParts<T>(
  stream: ReadableStream<T>,
  signal: AbortSignal,
  take: (part: T) => Promise<void> | undefined,
): Promise<void> {
  const reader = stream.getReader();
  const letGo = (): void => reader.releaseLock();
  signal.addEventListener('abort', letGo, { once: true });
  if (signal.aborted) letGo();
  try {
    for (;;) {
      const next = await reader.read();
      if (next.done) return;
      const taken = take(next.value);
      if (taken) await taken;
    }
  } finally {
    signal.removeEventListener('abort', letGo);
  }
}
