import type { PerdureError } from '../../contracts/perdure-error.ts';
import { limited } from './limited.ts';

const WINDOW_MS = 60_000;
/** Wrong keys from one address a minute, after which it has to wait: guessing 256 bits is hopeless, but costs us queries. */
const GUESSES_PER_WINDOW = 60;

/** Of one address. */
interface Window {
  wrong: number;
  underWay: number;
  readonly endsAt: number;
  /** Look-ups that could overshoot if all those under way were wrong, first come first. */
  readonly waiting: (() => void)[];
}

/**
 * Looks up keys that are not known to be right, and counts the wrong ones. A look-up counts before it begins, so that guesses that arrive at once are
 * no more than those that arrive one by one; right keys that arrive at once (a fleet of runners behind one address) wait instead of being refused.
 */
export class Guesses {
  readonly #windows = new Map<string, Window>();

  /** @throws rate_limited */
  async lookUp<Row>(
    address: string,
    find: () => Promise<Row | undefined>,
  ): Promise<Row | undefined> {
    const window = this.#windowOf(address);
    await enter(window);
    let wrong = false;
    try {
      const row = await find();
      wrong = row === undefined;
      return row;
    } finally {
      window.underWay -= 1;
      if (wrong) window.wrong += 1;
      wakeNext(window);
    }
  }

  #windowOf(address: string): Window {
    const now = Date.now();
    const known = this.#windows.get(address);
    if (known && now < known.endsAt) return known;
    this.#forgetEnded(now);
    const window = { wrong: 0, underWay: 0, endsAt: now + WINDOW_MS, waiting: [] };
    this.#windows.set(address, window);
    return window;
  }

  /** They stand in the order of their ends. */
  #forgetEnded(now: number): void {
    for (const [address, { endsAt }] of this.#windows) {
      if (now < endsAt) return;
      this.#windows.delete(address);
    }
  }
}

async function enter(window: Window): Promise<void> {
  while (window.wrong + window.underWay >= GUESSES_PER_WINDOW) {
    if (window.wrong >= GUESSES_PER_WINDOW) {
      wakeNext(window);
      throw tooMany(window);
    }
    await new Promise<void>((resolve) => window.waiting.push(resolve));
  }
  window.underWay += 1;
}

const wakeNext = ({ waiting }: Window): void => waiting.shift()?.();

const tooMany = ({ endsAt }: Window): PerdureError =>
  limited(endsAt - Date.now(), 'too many wrong keys');
