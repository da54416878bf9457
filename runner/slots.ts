/** How many calls run at once; the others wait in the order in which they came. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** @returns what gives the slot back; undefined where `signal` aborted first */
  async take(signal: AbortSignal): Promise<Disposable | undefined> {
    while (this.#free === 0) {
      if (signal.aborted) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
      await promise;
    }
    if (signal.aborted) {
      // Whoever waits behind may have been passed over for this one.
      this.#waiting.shift()?.();
      return undefined;
    }
    this.#free -= 1;
    return {
      [Symbol.dispose]: () => {
        this.#free += 1;
        this.#waiting.shift()?.();
      },
    };
  }
}
