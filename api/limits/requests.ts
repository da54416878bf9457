import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { Principal } from '../auth/principal.ts';

const MINUTE = 60;
/** Wrong keys from one address a minute, after which it has to wait: guessing 256 bits is hopeless, but costs us queries. */
const GUESSES_PER_MINUTE = 60;

/** Requests a minute, of a user, and wrong keys, of an address. Each API process counts its own. */
export class RequestLimits {
  readonly #calls: RateLimiterMemory;
  readonly #guesses = new RateLimiterMemory({ points: GUESSES_PER_MINUTE, duration: MINUTE });

  constructor(requestsPerMinute: number) {
    this.#calls = new RateLimiterMemory({ points: requestsPerMinute, duration: MINUTE });
  }

  /** @throws rate_limited */
  async count(principal: Principal): Promise<void> {
    const key = `${principal.tenant}\n${principal.user}`;
    await this.#calls.consume(key).catch((reason: unknown) => {
      throw limited(reason, `more than ${this.#calls.points} requests a minute`);
    });
  }

  /** @throws rate_limited */
  async beforeGuess(address: string): Promise<void> {
    const known = await this.#guesses.get(address);
    if (known && known.remainingPoints <= 0) throw limited(known, 'too many wrong keys');
  }

  async noteGuess(address: string): Promise<void> {
    await this.#guesses.consume(address).catch(() => undefined);
  }
}

function limited(reason: unknown, what: string): unknown {
  if (!(reason instanceof RateLimiterRes)) return reason;
  const seconds = Math.max(1, Math.ceil(reason.msBeforeNext / 1_000));
  return new PerdureError('rate_limited', `Too many requests (${what}): wait ${seconds} s.`, {
    retryAfterMs: seconds * 1_000,
  });
}
