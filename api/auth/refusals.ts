import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { Logger } from 'pino';
import type { Audit } from '../../journal/port.ts';
import type { ApiMetrics } from '../metrics.ts';

/** A flood of refusals is counted in the metrics but must not fill the audit table. */
const AUDITED_PER_MINUTE = 120;

export interface Refusal {
  readonly tenant: string | null;
  readonly user: string | null;
  readonly subject: string | null;
  readonly reason: string;
  readonly address: string;
}

/** Notes who was refused, in the audit table and the metrics. Never disturbs the answer. */
export class Refusals {
  readonly #audit: Audit;
  readonly #log: Logger;
  readonly #metrics: ApiMetrics;
  readonly #budget = new RateLimiterMemory({ points: AUDITED_PER_MINUTE, duration: 60 });

  constructor(audit: Audit, log: Logger, metrics: ApiMetrics) {
    this.#audit = audit;
    this.#log = log;
    this.#metrics = metrics;
  }

  note({ tenant, user, subject, reason, address }: Refusal): void {
    this.#metrics.refusals.inc({ reason });
    void this.#budget
      .consume('all')
      .then(() =>
        this.#audit.write({
          tenant,
          user,
          action: 'auth.refused',
          subject,
          details: { reason, address },
        }),
      )
      .catch((error: unknown) => this.#log.debug({ error }, 'refusal not audited'));
  }
}
