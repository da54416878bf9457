import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Principal } from '../auth/principal.ts';
import { limited } from './limited.ts';

const MINUTE = 60;

/** Requests a minute of a user. Each API process counts its own. */
export class RequestLimits {
  readonly #calls: RateLimiterMemory;

  constructor(requestsPerMinute: number) {
    this.#calls = new RateLimiterMemory({ points: requestsPerMinute, duration: MINUTE });
  }

  /** @throws rate_limited */
  async count(principal: Principal): Promise<void> {
    const key = `${principal.tenant}\n${principal.user}`;
    await this.#calls.consume(key).catch((reason: unknown) => {
      if (!(reason instanceof RateLimiterRes)) throw reason;
      throw limited(reason.msBeforeNext, `more than ${this.#calls.points} requests a minute`);
    });
  }
}
