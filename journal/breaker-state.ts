/** What a circuit breaker decides. Pure. */
import type { BreakerRules } from '../contracts/authentication.ts';
import type { Admission, BreakerReport, BreakerState } from './port.ts';

export interface Breaker {
  readonly state: BreakerState;
  /** In a row. */
  readonly failures: number;
  readonly openedAt: number;
  /** Who may ask while it is half-open, and until when that is waited for. */
  readonly probe: string | null;
  readonly probeUntil: number | null;
}

export const CLOSED: Breaker = {
  state: 'closed',
  failures: 0,
  openedAt: 0,
  probe: null,
  probeUntil: null,
};

export interface Asking {
  readonly now: number;
  readonly rules: BreakerRules;
  /** The caller's own, if it is to be the one. */
  readonly probe: string;
}

/** @returns the answer, and the breaker where it changes by it */
export function admit(
  breaker: Breaker,
  { now, rules, probe }: Asking,
): { admission: Admission; next?: Breaker } {
  if (breaker.state === 'closed') return { admission: { admitted: true } };
  const waitedFor =
    breaker.state === 'open' ? breaker.openedAt + rules.openMs : (breaker.probeUntil ?? 0);
  if (now < waitedFor) return { admission: { admitted: false, retryInMs: waitedFor - now } };
  return {
    admission: { admitted: true, probe },
    next: { ...breaker, state: 'half_open', probe, probeUntil: now + rules.probeMs },
  };
}

/** What is told late, by an attempt from before the breaker opened or by a probe that was given up, changes nothing. */
export function report(
  breaker: Breaker,
  { outcome, probe }: BreakerReport,
  { now, rules }: Pick<Asking, 'now' | 'rules'>,
): Breaker {
  const opened: Breaker = {
    ...breaker,
    state: 'open',
    openedAt: now,
    probe: null,
    probeUntil: null,
  };
  if (breaker.state === 'closed') {
    if (outcome === 'abandoned') return breaker;
    if (outcome === 'answered') return CLOSED;
    const failures = breaker.failures + 1;
    return failures >= rules.failuresToOpen ? { ...opened, failures } : { ...breaker, failures };
  }
  if (breaker.state === 'open' || probe === undefined || probe !== breaker.probe) return breaker;
  if (outcome === 'answered') return CLOSED;
  // After an abandoned probe the next caller may probe at once.
  return outcome === 'outage'
    ? { ...opened, failures: breaker.failures + 1 }
    : { ...breaker, probe: null, probeUntil: 0 };
}
