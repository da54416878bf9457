/**
 * The session worker, replaced by a fresh one when Temporal was gone for a moment. A worker remembers its sessions and takes what comes for
 * their continuation; whether the server that comes back is a restored one only shows when it is there, and then a cached session may have passed a
 * message over. So the worker stops taking work in the moment in which the server is gone.
 */
import type { Worker } from '@temporalio/worker';
import type { Logger } from '../telemetry/log.ts';
import { aborted } from './presence.ts';
import type { Presence } from './presence.ts';
import { TemporalSetBack } from './set-back.ts';

export interface Renewal {
  readonly presence: Presence;
  readonly log: Logger;
  readonly create: () => Promise<Worker>;
  /** Whether the server that answers now lacks what this process has seen. */
  readonly isSetBack: () => Promise<boolean>;
}

/** A worker, and how long the server behind it stays. */
interface Shift {
  readonly worker: Worker;
  readonly term: AbortSignal;
}

export class RenewedWorker {
  readonly #renewal: Renewal;
  readonly #stopping = new AbortController();
  /** Of workers that take no more work and let their running steps finish. */
  readonly #handingOver: Promise<void>[] = [];
  readonly #setBack = Promise.withResolvers<never>();
  #shift: Shift | undefined;

  private constructor(renewal: Renewal, first: Shift | undefined) {
    this.#renewal = renewal;
    this.#shift = first;
    this.#setBack.promise.catch(() => {});
  }

  /** @throws what the creation of the first worker throws */
  static async create(renewal: Renewal): Promise<RenewedWorker> {
    return new RenewedWorker(renewal, await nextShift(renewal, new AbortController().signal));
  }

  /** Rejects with {@link TemporalSetBack}; never resolves. */
  get setBack(): Promise<never> {
    return this.#setBack.promise;
  }

  get running(): boolean {
    return this.#shift?.worker.getState() === 'RUNNING';
  }

  /** Resolves after {@link shutdown}, when all running steps are finished or handed over. */
  async run(): Promise<void> {
    while (this.#shift) {
      await this.#work(this.#shift);
      this.#shift = undefined;
      this.#shift = await this.#renew();
    }
    await Promise.all(this.#handingOver);
  }

  shutdown(): void {
    this.#stopping.abort();
    if (this.#shift) shutdown(this.#shift.worker);
  }

  async #work({ worker, term }: Shift): Promise<void> {
    const { log } = this.#renewal;
    const run = worker.run();
    if (this.#stopping.signal.aborted) shutdown(worker);
    const lost = await Promise.race([run.then(() => false), aborted(term).then(() => true)]);
    if (!lost) return;
    log.warn('Temporal is gone: no more work is taken, running steps go on');
    shutdown(worker);
    this.#handingOver.push(
      run.catch((error: unknown) =>
        log.warn({ err: error }, 'the worker of before did not end in good order'),
      ),
    );
  }

  async #renew(): Promise<Shift | undefined> {
    const { signal } = this.#stopping;
    try {
      return await nextShift(this.#renewal, signal);
    } catch (error) {
      if (!(error instanceof TemporalSetBack)) throw error;
      this.#setBack.reject(error);
      return undefined;
    }
  }
}

/** @returns undefined where it is not wanted any more */
async function nextShift(renewal: Renewal, stopping: AbortSignal): Promise<Shift | undefined> {
  const { presence, log, create, isSetBack } = renewal;
  for (;;) {
    const term = await presence.term(stopping);
    if (!term || stopping.aborted) return undefined;
    try {
      if (await isSetBack()) throw new TemporalSetBack();
      return { worker: await create(), term };
    } catch (error) {
      if (error instanceof TemporalSetBack || !term.aborted) throw error;
      log.debug({ err: error }, 'Temporal has gone again');
    }
  }
}

function shutdown(worker: Worker): void {
  if (worker.getState() === 'RUNNING') worker.shutdown();
}
