/** A model thread that ends at the first thing it is told. */
import { parentPort } from 'node:worker_threads';

parentPort!.on('message', () => {
  throw new Error('out of order');
});
