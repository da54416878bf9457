/** A process: the floor's worker, tuned exactly as Perdure's. Started by ../stack.ts with a channel to the load generator. */
import { NativeConnection, Runtime, DefaultLogger, Worker } from '@temporalio/worker';
import { createFloorActivities } from './activities.ts';
import { FLOOR_QUEUE, FLOOR_WORKER_OPTIONS } from './options.ts';

const [address = '', modelUrl = ''] = process.argv.slice(2);

Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: [] });
const connection = await NativeConnection.connect({ address });
const worker = await Worker.create({
  ...FLOOR_WORKER_OPTIONS,
  connection,
  taskQueue: FLOOR_QUEUE,
  workflowsPath: new URL('./workflow.ts', import.meta.url).pathname,
  activities: createFloorActivities(modelUrl, (times) => process.send?.(times)),
});
process.on('disconnect', () => worker.shutdown());
process.send?.({ ready: true });
await worker.run();
await connection.close();
