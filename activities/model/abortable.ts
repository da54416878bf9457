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
 * Does not cancel the source when it is left: its owner aborts what feeds it. (Cancelling a chain of piped streams while its beginning
 * fails left a rejection that nobody could handle, which ends a process: seen with OpenRouter's library on Node 24.)
 * @throws the signal's reason once it aborts
 */
export async function* untilAborted<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  using aborted = abortOf(signal);
  const iterator = source[Symbol.asyncIterator]();
  for (;;) {
    const next = await Promise.race([iterator.next(), aborted.promise]);
    if (next.done === true) return;
    yield next.value;
  }
}
