/** A process: the floor's worker, tuned exactly as Perdure's. Started by ../stack/floor.ts with a channel to the load generator. */
import { NativeConnection, Runtime, DefaultLogger, Worker } from '@temporalio/worker';
import { createFloorActivities } from './activities.ts';
import type { FloorTimes } from './activities.ts';
import { createFloorPrograms } from './programs.ts';
import { floorWorkerOptions } from './options.ts';

const [address = '', modelUrl = ''] = process.argv.slice(2);

Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: [] });
const connection = await NativeConnection.connect({ address });
const { sessions, tools } = await floorWorkerOptions();
const report = (times: FloorTimes): void => void process.send?.(times);
const activities = {
  ...createFloorActivities(modelUrl, report),
  ...createFloorPrograms(report),
};
const workers = [
  await Worker.create({
    ...sessions,
    connection,
    workflowsPath: new URL('./workflow.ts', import.meta.url).pathname,
    activities,
  }),
  await Worker.create({ ...tools, connection, activities }),
];
const stop = () => workers.forEach((worker) => worker.shutdown());
process.once('disconnect', stop);
process.once('SIGTERM', stop);
process.send?.({ ready: true });
await Promise.all(workers.map((worker) => worker.run()));
await connection.close();
process.exit(0);
