import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { callJson } from '../load/http.ts';
import { forkProcess } from './fork.ts';
import { RUNNER } from './product.ts';
import type { Product } from './product.ts';

const START_TIMEOUT_MS = 60_000;

/** `perdure runner` as on a user's machine: a process of its own, on the product's workspace. */
export async function startRunner(product: Product, folder: string): Promise<AsyncDisposable> {
  const workdir = ['--name', RUNNER, '--workdir', product.workspace];
  const state = join(folder, 'runner');
  const forked = forkProcess('../../cli/main.ts', {
    args: ['runner', ...workdir, '--url', product.url, '--state', state],
    logFile: join(folder, 'runner.log'),
  });
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const { runners } = await callJson<{ runners: unknown[] }>('GET', `${product.url}/api/runners`);
    if (runners.length > 0) return forked;
    await sleep(100);
  }
  throw new Error('the runner did not register in time: see runner.log');
}
