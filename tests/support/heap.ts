import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of live JavaScript that are there after `work` and were not before. */
export function heapGrowth(work: () => void): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const before = process.memoryUsage().heapUsed;
  work();
  collect();
  return process.memoryUsage().heapUsed - before;
}

const LONG_BYTES = 5_000;

/** A text that was cut out of a much longer one, as an id comes out of a request: V8 keeps the longer one as long as the cut is kept. */
export function cutOut<T extends string>(text: T): T {
  const long = Buffer.from(text.padStart(LONG_BYTES, '-')).toString();
  return long.slice(-text.length) as T;
}
