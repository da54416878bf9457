/** Things that are tried again and again: after pauses that double, and as though for the first time where they were not met for a while. */
export interface Pausing {
  /** Milliseconds. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** A clock that only goes forward, milliseconds. */
  readonly now?: () => number;
}

interface Tried {
  readonly nextAt: number;
  readonly pauseMs: number;
  round: number;
}

/** What is beyond is tried as though for the first time. */
const REMEMBERED = 10_000;

export class GrowingPauses<K> {
  readonly #firstMs: number;
  readonly #longestMs: number;
  readonly #now: () => number;
  /** Those tried longest ago first. */
  readonly #tried = new Map<K, Tried>();
  #round = 0;

  constructor({ firstMs, longestMs, now = () => performance.now() }: Pausing) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#now = now;
  }

  /** Whether its pause is over. To be asked of everything that a round meets: what no round meets is forgotten. */
  isDue(key: K): boolean {
    const tried = this.#tried.get(key);
    if (!tried) return true;
    tried.round = this.#round;
    return tried.nextAt <= this.#now();
  }

  /**
   * @param sharing among how many the pauses are shared: each waits so many times as long
   * @param longestMs instead of the usual
   */
  tried(key: K, { sharing = 1, longestMs = this.#longestMs } = {}): void {
    const before = this.#tried.get(key);
    const pauseMs = before ? Math.min(2 * before.pauseMs, longestMs) : this.#firstMs;
    this.#tried.delete(key);
    this.#tried.set(key, { pauseMs, nextAt: this.#now() + pauseMs * sharing, round: this.#round });
    const oldest = this.#tried.keys().next();
    if (this.#tried.size > REMEMBERED && !oldest.done) this.#tried.delete(oldest.value);
  }

  /** Everything that there is was met once. */
  endRound(): void {
    for (const [key, { round }] of this.#tried) if (round < this.#round) this.#tried.delete(key);
    this.#round++;
  }
}
