import { PerdureError } from '../../contracts/perdure-error.ts';
import type { SessionStore } from '../../journal/port.ts';

/** Counting is a query; a limit of thousands may be a second late. */
const FRESH_MS = 1_000;
const RETRY_AFTER_MS = 30_000;

/** Sessions of a tenant that have not ended. */
export class OpenSessions {
  readonly #sessions: SessionStore;
  readonly #max: number;
  readonly #counts = new Map<string, { count: number; at: number }>();

  constructor(sessions: SessionStore, max: number) {
    this.#sessions = sessions;
    this.#max = max;
  }

  /** @throws rate_limited where the tenant has as many as it may */
  async admit(tenant: string): Promise<void> {
    const known = await this.#count(tenant);
    if (known.count >= this.#max)
      throw new PerdureError(
        'rate_limited',
        `This tenant has ${this.#max} open sessions, the most it may have (api.maxSessionsPerTenant): stop some first.`,
        { retryAfterMs: RETRY_AFTER_MS },
      );
    known.count += 1;
  }

  async #count(tenant: string): Promise<{ count: number; at: number }> {
    const known = this.#counts.get(tenant);
    if (known && Date.now() - known.at < FRESH_MS) return known;
    const count = await this.#sessions.count({ tenant, open: true });
    const fresh = { count, at: Date.now() };
    this.#counts.set(tenant, fresh);
    return fresh;
  }
}
