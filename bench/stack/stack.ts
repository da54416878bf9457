import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SEARCH_ATTRIBUTES } from '../../contracts/names.ts';
import { freePort } from '../../servers/child.ts';
import { startDevServer } from '../../servers/dev-server.ts';
import type { SearchAttributeType } from '../../servers/dev-server.ts';
import { say } from '../report.ts';
import { startFloor } from './floor.ts';
import type { Floor } from './floor.ts';
import { startModel } from './model.ts';
import { startProduct } from './product.ts';
import type { Product, ProductOptions } from './product.ts';

export interface Stack extends AsyncDisposable {
  readonly floor: Floor;
  readonly product: Product;
  readonly temporalPid: number;
  /** For logs and data; gone with the stack. */
  readonly folder: string;
}

export interface StackOptions {
  /** Of the product and of the floor's worker. */
  readonly execArgv?: readonly string[];
  /** Folder for a processor profile of the product's process, written when it ends. */
  readonly profile?: string | undefined;
  /** Of the product, beside those of every bench. */
  readonly settings?: ProductOptions['settings'];
}

/**
 * One tuned Temporal server with a persistent file, as `npm start` runs it, shared by both sides; one model server; the
 * floor's worker; and Perdure's all-in-one process. Each is a process of its own.
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'perdure-bench-'));
  started.defer(() =>
    process.env['PERDURE_BENCH_KEEP'] ? undefined : rm(folder, { recursive: true, force: true }),
  );
  say(`logs and data in ${folder}`);
  const temporal = started.use(
    await startDevServer({
      port: await freePort(),
      dbFile: join(folder, 'temporal.db'),
      searchAttributes: attributes(),
      logFile: join(folder, 'temporal.log'),
      report: say,
    }),
  );
  const model = started.use(await startModel(folder));
  const shared = {
    address: temporal.address,
    modelUrl: model.url,
    folder,
    execArgv: options.execArgv ?? [],
  };
  const floor = started.use(await startFloor(shared));
  const product = started.use(
    await startProduct({
      ...shared,
      settings: options.settings,
      execArgv: [...shared.execArgv, ...profiling(options.profile)],
    }),
  );
  const kept = started.move();
  return {
    floor,
    product,
    temporalPid: temporal.pid,
    folder,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const profiling = (folder: string | undefined): string[] =>
  folder ? ['--cpu-prof', `--cpu-prof-dir=${folder}`] : [];

const attributes = (): Record<string, SearchAttributeType> =>
  Object.fromEntries(Object.values(SEARCH_ATTRIBUTES).map((name) => [name, 'Keyword'] as const));
