/** The journal's port: remote runners. Import it from port.ts. */
import type { RunnerId } from '../contracts/ids.ts';
import type { RegisterRunner, RunnerSelector } from '../contracts/runners.ts';
import type { Owner } from './port-shelves.ts';

export interface RunnerRow extends Owner, Readonly<RegisterRunner> {
  readonly runnerId: RunnerId;
  /** Whether it serves all users of its tenant: an operator said so. */
  readonly shared: boolean;
  /** ISO 8601, as the next one. */
  readonly registeredAt: string;
  readonly lastSeenAt: string;
  /** Its process said that it ends, and nothing was heard of it since. */
  readonly gone: boolean;
}

export interface Runners {
  /**
   * By its owner and name: a runner that starts again is the same one, and what it offers now is what counts. Stays shared.
   * @returns the row, and the instance that it had before
   */
  register(
    owner: Owner,
    runner: RegisterRunner,
  ): Promise<{ readonly row: RunnerRow; readonly before: RunnerId | null }>;
  /** Its connection stands. @returns undefined where this instance is not the registered one any more */
  seen(runnerId: RunnerId, instance: RunnerId): Promise<RunnerRow | undefined>;
  /** This instance ends; what it registered stays, and so do its calls. @returns as `seen` */
  left(runnerId: RunnerId, instance: RunnerId): Promise<RunnerRow | undefined>;
  get(runnerId: RunnerId): Promise<RunnerRow | undefined>;
  /** A user's own and the shared ones of the tenant, all of the tenant without a user; by name. */
  list(owner: {
    readonly tenant: string;
    readonly user?: string | undefined;
  }): Promise<readonly RunnerRow[]>;
  /** Those that may serve this user's sessions and fit: his own before shared ones, then the one that was seen last. */
  selected(owner: Owner, selector: RunnerSelector): Promise<readonly RunnerRow[]>;
  share(runnerId: RunnerId, shared: boolean): Promise<RunnerRow | undefined>;
  /** @returns whether it was there */
  remove(runnerId: RunnerId): Promise<boolean>;
}
