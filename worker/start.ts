/** A worker: two Temporal workers on one connection, their health, and an orderly end. Its process is started by cli/. */
import { Worker } from '@temporalio/worker';
import type { NativeConnection } from '@temporalio/worker';
import { createSessionActivities } from '../activities/session.ts';
import { createToolActivities } from '../activities/tools.ts';
import type { ToolParts } from '../activities/tools.ts';
import type { ActivityDependencies } from '../activities/dependencies.ts';
import type { SecretLookup } from '../config/secrets.ts';
import type { Settings } from '../config/settings.ts';
import type { Journal } from '../journal/port.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import { workflowBundle } from './bundle.ts';
import { connectWorker, watchConnection } from './connection.ts';
import type { Watch } from './connection.ts';
import { serveHealth } from './health.ts';
import { startPruning } from './pruning.ts';
import { installRuntime, temporalLogger } from './runtime.ts';
import { tracingOptions, workflowInterceptors } from './tracing.ts';
import { sessionTuning, toolTuning } from './tuning.ts';

export interface WorkerParts {
  readonly settings: Settings;
  readonly journal: Journal;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly secrets: SecretLookup;
  /** Folder where finished workflow bundles are kept between starts. */
  readonly bundles: string;
  /** Absent: no traces. */
  readonly tracing?: Tracing | undefined;
  /** Instead of the configured providers: scripted models in tests. */
  readonly models?: ActivityDependencies['models'];
  /** Tool executors of further modes, or instead of ours. */
  readonly executors?: ToolParts['executors'];
  /** After so long without Temporal the worker ends; tests do not wait a minute. */
  readonly goneAfterMs?: number | undefined;
}

export interface WorkerHandle {
  /** Settles when the worker has ended: after a drain, or rejected when it cannot go on (Temporal gone for good). */
  readonly ended: Promise<void>;
  /** What is missing for taking work; empty when ready. */
  missing(): Promise<readonly string[]>;
  /** Takes no more work, lets running steps finish for `worker.drainMs`, hands the rest over to other workers. */
  drain(): Promise<void>;
}

/** @throws {PerdureError} `engine_unavailable` when Temporal cannot be reached */
export async function startWorker(parts: WorkerParts): Promise<WorkerHandle> {
  const { settings, log, metrics } = parts;
  await using started = new AsyncDisposableStack();
  const temporalMetrics = await installRuntime(log);
  metrics.registry.merge(() => temporalMetrics.read());
  const connection = await connectWorker({ ...settings, secret: parts.secrets, log });
  started.defer(() => connection.close());
  const watch = started.use(watchConnection(connection, { ...parts, temporal: settings.temporal }));
  const workers = await createWorkers(parts, connection);
  const retentionMs = settings.journal.deltaRetentionMs;
  started.use(startPruning({ journal: parts.journal, log, retentionMs }));
  const missing = (): Promise<readonly string[]> => whatIsMissing(workers, watch, parts.journal);
  const { healthPort, healthHost } = settings.worker;
  if (healthPort !== undefined) {
    const address = { host: healthHost, port: healthPort };
    started.use(await serveHealth(address, { missing, metrics: () => metrics.registry.metrics() }));
  }
  const kept = started.move();
  const ended = runUntilEnd(workers, { watch, kept });
  // Whoever started the worker looks at it in time; until then a rejection is not an unhandled one.
  ended.catch(() => {});
  log.info({ address: settings.temporal.address }, 'worker started');
  return { ended, missing, drain: () => drain(workers, ended) };
}

async function createWorkers(
  parts: WorkerParts,
  connection: NativeConnection,
): Promise<readonly Worker[]> {
  const { settings, log } = parts;
  const named = await workflowBundle({
    folder: parts.bundles,
    logger: temporalLogger(log),
    interceptors: parts.tracing ? [workflowInterceptors()] : [],
    stackTraces: settings.worker.workflowStackTraces,
  });
  const deps: ActivityDependencies = {
    journal: parts.journal,
    catalogue: settings.catalogue,
    timeouts: settings.timeouts,
    policies: settings.policies,
    secrets: parts.secrets,
    log,
    metrics: parts.metrics,
    models: parts.models,
  };
  const tracing = parts.tracing && tracingOptions(parts.tracing);
  const sessions = Worker.create({
    ...sessionTuning(settings),
    ...tracing,
    connection,
    ...named,
    activities: createSessionActivities(deps),
  });
  const tools = Worker.create({
    ...toolTuning(settings),
    ...(tracing && { interceptors: tracing.interceptors }),
    connection,
    activities: createToolActivities({ ...deps, executors: parts.executors }),
  });
  return Promise.all([sessions, tools]);
}

async function runUntilEnd(
  workers: readonly Worker[],
  { watch, kept }: { readonly watch: Watch; readonly kept: AsyncDisposableStack },
): Promise<void> {
  await using _ = kept;
  await run(workers, watch);
}

/** One that ends by itself takes the other with it: half a worker would look alive and hold sessions up. */
async function run(workers: readonly Worker[], watch: Watch): Promise<void> {
  const runs = workers.map((worker) => worker.run());
  try {
    await Promise.race([...runs, watch.gone]);
  } finally {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    await Promise.allSettled(runs);
  }
  await Promise.all(runs);
}

function drain(workers: readonly Worker[], ended: Promise<void>): Promise<void> {
  for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  return ended;
}

const PING_DEADLINE_MS = 2_000;

async function whatIsMissing(
  workers: readonly Worker[],
  watch: Watch,
  journal: Journal,
): Promise<readonly string[]> {
  const answers = journal.ping().then(
    () => true,
    () => false,
  );
  const late = new Promise<false>((resolve) =>
    setTimeout(resolve, PING_DEADLINE_MS, false).unref(),
  );
  return [
    ...(workers.every((worker) => worker.getState() === 'RUNNING') ? [] : ['worker']),
    ...(watch.connected ? [] : ['temporal']),
    ...((await Promise.race([answers, late])) ? [] : ['journal']),
  ];
}
