/** Clusters that notice a dead worker soon, and whose model waits for the test instead of racing with it. */
import { vi } from 'vitest';
import type { Cluster, ClusterOptions } from '../support/cluster.ts';
import { startCluster } from '../support/cluster.ts';
import { postgresDatabase } from '../support/database.ts';

/** Several processes start, die and start again in each of these, on machines that do other things too. */
vi.setConfig({ testTimeout: 480_000 });

const TIMEOUTS = {
  // A dead worker counts as dead soon, and one that starves beside the others does not.
  heartbeatMs: 6_000,
  heartbeatThrottleMs: 500,
  // The model holds its answer for as long as the fault takes: that is no failure of the provider.
  modelSilenceMs: 400_000,
};

const SETTINGS = { timeouts: TIMEOUTS, worker: { drainMs: 1_000 } };

/** The all-in-one process on SQLite. */
export const startAllInOne = (settings: ClusterOptions['settings'] = {}): Promise<Cluster> =>
  startCluster({ settings: { ...SETTINGS, ...settings } });

type FleetSize = Pick<ClusterOptions, 'apis' | 'workers' | 'settings'>;

/** APIs and workers, one of each unless said otherwise, on this database. */
export const startFleetOn = (postgresUrl: string, size: FleetSize = {}): Promise<Cluster> =>
  startCluster({ ...size, postgresUrl, settings: { ...SETTINGS, ...size.settings } });

/** The same, on a database of their own. */
export async function startFleet(size: FleetSize = {}): Promise<Cluster> {
  await using started = new AsyncDisposableStack();
  const { url } = started.use(await postgresDatabase());
  const cluster = started.use(await startFleetOn(url, size));
  const kept = started.move();
  return { ...cluster, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
