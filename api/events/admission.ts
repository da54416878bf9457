import { PerdureError } from '../../contracts/perdure-error.ts';
import type { ApiContext } from '../context.ts';

/** A subscription's place among the open connections: taken when this is made, given back when `ended` aborts, whoever ends it. */
export class Admission {
  /** Aborts when the client is gone, the server wants it gone, or the subscription itself ends. */
  readonly ended: AbortSignal;
  readonly #stop = new AbortController();
  #failure: unknown;

  /** @throws too_many_connections */
  constructor({ deps, principal, carrier }: ApiContext, signal: AbortSignal | undefined) {
    const signals = [this.#stop.signal, signal, carrier?.closed];
    this.ended = AbortSignal.any(signals.filter((one) => one !== undefined));
    const leave = deps.connections.admit(principal, () => this.end(closing()));
    // Not left to a generator's `finally`: one whose client went away before the first event never runs.
    if (this.ended.aborted) leave();
    else this.ended.addEventListener('abort', leave, { once: true });
  }

  /** Why it ended, where that is no orderly end. */
  get failure(): unknown {
    return this.#failure;
  }

  end(failure?: unknown): void {
    this.#failure ??= failure;
    this.#stop.abort();
  }
}

const closing = (): PerdureError =>
  new PerdureError(
    'resource_exhausted',
    'The server ends this stream: resume from the last number.',
  );
