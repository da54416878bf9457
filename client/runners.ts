/** The runners that may execute a person's remote tools, as people look at them; a runner's own side is `client/runner.ts`. */
import { parseId } from '../contracts/ids.ts';
import { labelsToText } from '../contracts/runner-labels.ts';
import type { RunnerLabels } from '../contracts/runners.ts';
import type { Calls } from './calls.ts';
import type { CallOptions } from './session-commands.ts';

export interface RunnerListOptions extends CallOptions {
  /** Only those that are there; `false`: only those that are away. */
  readonly online?: boolean | undefined;
  /** Only those that have all of these. */
  readonly labels?: RunnerLabels | undefined;
}

export type RunnersClient = ReturnType<typeof runnersClient>;

/** Made by `PerdureClient.runners`. */
export const runnersClient = ({ call }: Calls) => ({
  /**
   * Those that may serve you, by name; for an operator all of the tenant. Those that are away are among them, unless the filter says otherwise.
   * @throws {PerdureError} `invalid_input` where a label has a character that none may have
   */
  async list({ signal, online, labels }: RunnerListOptions = {}) {
    const wanted = labels && Object.keys(labels).length > 0 ? labelsToText(labels) : undefined;
    const filter = { online, labels: wanted };
    const { runners } = await call((trpc, options) => {
      return trpc.runner.list.query(filter, options);
    }, signal);
    return runners;
  },

  /**
   * Lets a runner serve the whole tenant, or only its own user again. For operators.
   * @returns the runner as it is now
   * @throws {PerdureError} `invalid_id`, `not_found`, `forbidden`
   */
  async share(runnerId: string, shared: boolean, { signal }: CallOptions = {}) {
    const input = { runnerId: parseId(runnerId, 'run'), shared };
    return call((trpc, options) => trpc.runner.share.mutate(input, options), signal);
  },

  /**
   * Forgets a runner and what it offers; one that runs registers again.
   * @throws {PerdureError} `invalid_id`, `not_found` (also where an answer was lost and this is the repeat), `forbidden`
   */
  async remove(runnerId: string, { signal }: CallOptions = {}): Promise<void> {
    const ref = { runnerId: parseId(runnerId, 'run') };
    await call((trpc, options) => trpc.runner.remove.mutate(ref, options), signal);
  },
});

/** A runner as the API shows it. */
export type KnownRunner = Awaited<ReturnType<RunnersClient['list']>>[number];
