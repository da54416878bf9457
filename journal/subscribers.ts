/** Fans news of one kind out to async iterators, each with a bounded queue: who is too slow misses the oldest. */

const MAX_QUEUED = 1_000;

interface Subscriber<T> {
  readonly queue: T[];
  wants(item: T): boolean;
  wake(): void;
}

export class Subscribers<T> {
  readonly #all = new Set<Subscriber<T>>();

  publish(item: T): void {
    for (const subscriber of this.#all) {
      if (!subscriber.wants(item)) continue;
      subscriber.queue.push(item);
      if (subscriber.queue.length > MAX_QUEUED) subscriber.queue.shift();
      subscriber.wake();
    }
  }

  async *follow(wants: (item: T) => boolean, signal: AbortSignal): AsyncGenerator<T, void> {
    let news = Promise.withResolvers<void>();
    const wake = () => news.resolve();
    const subscriber: Subscriber<T> = { queue: [], wants, wake };
    this.#all.add(subscriber);
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        const item = subscriber.queue.shift();
        if (item !== undefined) yield item;
        else {
          await news.promise;
          news = Promise.withResolvers();
        }
      }
    } finally {
      signal.removeEventListener('abort', wake);
      this.#all.delete(subscriber);
    }
  }
}
