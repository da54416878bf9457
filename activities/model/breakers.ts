/**
 * One circuit breaker a provider and worker. It judges whether a provider answers at all: an attempt counts as good at its first part,
 * so that a probe does not hold up the others for the length of an answer.
 */
import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleType,
} from 'cockatiel';
import type { CircuitBreakerPolicy } from 'cockatiel';

/** Failures in a row, over all sessions of this worker, that open the circuit. */
const FAILURES_TO_OPEN = 10;
/** How long nobody asks the provider; then one attempt probes it. */
export const OPEN_MS = 10_000;

/** Wraps a failure that speaks against the provider, so that the breaker counts it and nothing else. */
class Outage extends Error {
  constructor(cause: unknown) {
    super('the provider is in trouble', { cause });
  }
}

export class CircuitOpen extends Error {
  readonly retryInMs: number;
  constructor(provider: string, retryInMs: number) {
    super(`${provider} failed repeatedly and is not asked for ${Math.ceil(retryInMs / 1_000)} s`);
    this.name = 'CircuitOpen';
    this.retryInMs = retryInMs;
  }
}

interface Circuit {
  readonly policy: CircuitBreakerPolicy;
  openedAt: number;
}

type OnChange = (open: boolean) => void;

function newCircuit(onChange: OnChange): Circuit {
  const policy = circuitBreaker(handleType(Outage), {
    halfOpenAfter: OPEN_MS,
    breaker: new ConsecutiveBreaker(FAILURES_TO_OPEN),
  });
  const circuit = { policy, openedAt: 0 };
  policy.onBreak(() => {
    circuit.openedAt = Date.now();
    onChange(true);
  });
  policy.onReset(() => onChange(false));
  return circuit;
}

export interface GuardedCall<T> {
  readonly begin: (onFirstPart: () => void) => Promise<T>;
  readonly isOutage: (error: unknown) => boolean;
}

export class Breakers {
  readonly #circuits = new Map<string, Circuit>();
  readonly #onChange: (provider: string, open: boolean) => void;

  constructor(onChange: (provider: string, open: boolean) => void = () => {}) {
    this.#onChange = onChange;
  }

  /**
   * Makes a call, unless the circuit is open or another attempt is probing; `begin` says when the provider has answered with something.
   * @throws {CircuitOpen} without a call
   * @throws what the call throws
   */
  async guard<T>(provider: string, call: GuardedCall<T>): Promise<T> {
    const circuit =
      this.#circuits.get(provider) ?? newCircuit((open) => this.#onChange(provider, open));
    this.#circuits.set(provider, circuit);
    // Cockatiel lets others wait for the probe's result; a slot is too dear for that.
    if (circuit.policy.state === CircuitState.HalfOpen)
      throw new CircuitOpen(provider, OPEN_MS / 5);
    try {
      const { whole } = await circuit.policy.execute(() => begin(call));
      return await whole;
    } catch (error) {
      if (error instanceof Outage) throw error.cause;
      if (!(error instanceof BrokenCircuitError)) throw error;
      const waited = Date.now() - circuit.openedAt;
      throw new CircuitOpen(provider, Math.max(1_000, OPEN_MS - waited));
    }
  }
}

/** Resolves at the first part, with the rest of the call (in an object: a promise in a promise would be waited for). */
async function begin<T>({ begin, isOutage }: GuardedCall<T>): Promise<{ whole: Promise<T> }> {
  const heard = Promise.withResolvers<void>();
  const whole = begin(heard.resolve);
  whole.catch(() => undefined);
  try {
    await Promise.race([heard.promise, whole]);
  } catch (error) {
    throw isOutage(error) ? new Outage(error) : error;
  }
  return { whole };
}
