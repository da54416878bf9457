import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { Logger } from 'pino';
import type { Audit, KeyRow } from '../../journal/port.ts';

/** Whoever works with a key all day came in once. */
const ANEW_AFTER_MS = 86_400_000;
/** A key that is passed around must not fill the audit table. */
const AUDITED_PER_MINUTE = 120;
const MAX_KNOWN = 10_000;

/** Notes in the audit which key came in from where: the first time, and once a day. Never disturbs the answer. */
export class Arrivals {
  readonly #audit: Audit;
  readonly #log: Logger;
  readonly #budget = new RateLimiterMemory({ points: AUDITED_PER_MINUTE, duration: 60 });
  /** Key and address → when that was noted. */
  readonly #known = new Map<string, number>();

  constructor(audit: Audit, log: Logger) {
    this.#audit = audit;
    this.#log = log;
  }

  note({ keyId, tenant, user, role }: KeyRow, address: string): void {
    const which = `${keyId} ${address}`;
    const at = this.#known.get(which);
    if (at !== undefined && Date.now() - at < ANEW_AFTER_MS) return;
    this.#remember(which);
    const details = { role, address };
    void this.#budget
      .consume('all')
      .then(() =>
        this.#audit.write({ tenant, user, action: 'auth.accepted', subject: keyId, details }),
      )
      .catch((error: unknown) => {
        // Tried again with the next request.
        this.#known.delete(which);
        this.#log.debug({ error }, 'arrival not audited');
      });
  }

  #remember(which: string): void {
    this.#known.delete(which);
    if (this.#known.size >= MAX_KNOWN) this.#known.delete(this.#known.keys().next().value ?? '');
    this.#known.set(which, Date.now());
  }
}
