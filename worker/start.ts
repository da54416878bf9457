/** A worker: two Temporal workers on one connection, their health, and an orderly end. Its process is started by cli/. */
import { Worker } from '@temporalio/worker';
import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import { createSessionActivities } from '../activities/session.ts';
import { createProgramActivities } from '../activities/programs.ts';
import type { ProgramHost } from '../activities/programs.ts';
import { createToolActivities } from '../activities/tools.ts';
import { mcpSource } from '../activities/tools/mcp/source.ts';
import type { RegistryParts, ToolRegistry } from '../activities/tools/registry.ts';
import { createAuthenticator } from '../activities/auth/create-authenticator.ts';
import type { ActivityDependencies } from '../activities/dependencies.ts';
import { startModelThreads } from '../activities/model/threads/model-threads.ts';
import type { ModelThreads } from '../activities/model/threads/model-threads.ts';
import type { SecretLookup } from '../config/secrets.ts';
import type { Settings } from '../config/settings.ts';
import type { SecretKeys } from '../contracts/credentials.ts';
import type { Journal } from '../journal/port.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import { workflowBundle } from './bundle.ts';
import { connectWorker, watchConnection } from './connection.ts';
import type { Watch } from './connection.ts';
import { serveHealth } from './health.ts';
import { watchPresence } from './presence.ts';
import type { Presence } from './presence.ts';
import { startPruning } from './pruning.ts';
import { RenewedWorker } from './renewed.ts';
import { installRuntime, temporalLogger } from './runtime.ts';
import { NewestActivity } from './set-back.ts';
import { tracingOptions, workflowInterceptors } from './tracing.ts';
import { openTools } from './tools.ts';
import { openPrograms, retirePrograms } from './programs.ts';
import { programTuning, sessionTuning, toolTuning } from './tuning.ts';

export interface WorkerParts {
  readonly settings: Settings;
  readonly journal: Journal;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly secrets: SecretLookup;
  /** What stored tokens are encrypted with; absent: none can be stored. */
  readonly secretKeys?: SecretKeys | undefined;
  /** Told of every token: it is to appear in no log line. */
  readonly hide?: ((secret: string) => void) | undefined;
  /** Folder where finished workflow bundles are kept between starts. */
  readonly bundles: string;
  /** Absent: no traces. */
  readonly tracing?: Tracing | undefined;
  /** Instead of the configured providers: scripted models in tests. */
  readonly models?: ActivityDependencies['models'];
  /** Tools beside the configured ones, or executors instead of ours: tests. */
  readonly tools?: Pick<RegistryParts, 'tools' | 'sources' | 'executors'> | undefined;
  /** After so long without Temporal the worker ends; tests do not wait a minute. */
  readonly goneAfterMs?: number | undefined;
}

export { isTemporalSetBack } from './set-back.ts';

export interface WorkerHandle {
  /**
   * Settles when the worker has ended: after a drain, or rejected when it cannot go on (Temporal gone for good). Rejected with what {@link isTemporalSetBack} tells
   * it has not ended, and its process must, at once.
   */
  readonly ended: Promise<void>;
  /** What is missing for taking work; empty when ready. */
  missing(): Promise<readonly string[]>;
  /** Takes no more work, lets running steps finish for `worker.drainMs`, hands the rest over to other workers. */
  drain(): Promise<void>;
}

/**
 * @throws {SettingsError} where an agent names a tool that does not exist
 * @throws {PerdureError} `engine_unavailable` when Temporal cannot be reached
 */
export async function startWorker(parts: WorkerParts): Promise<WorkerHandle> {
  const { settings, log, metrics } = parts;
  await using started = new AsyncDisposableStack();
  const { mcpServers: servers, timeouts } = settings;
  const mcp = started.use(mcpSource({ ...parts, servers, timeouts }));
  const sources = [mcp, ...(parts.tools?.sources ?? [])];
  const tools = await openTools(settings, parts, {
    runners: parts.journal.runners,
    variable: parts.secrets,
    ...parts.tools,
    sources,
  });
  const temporalMetrics = installRuntime(log);
  metrics.registry.merge(() => temporalMetrics.read());
  const connection = await connectWorker({ ...settings, secret: parts.secrets, log });
  started.defer(() => connection.close());
  const { temporal } = settings;
  const watch = started.use(watchConnection(connection, { ...parts, temporal }));
  const presence = started.use(watchPresence({ temporal, secret: parts.secrets }));
  const ask = parts.models ? undefined : started.use(modelThreads(parts)).ask;
  const programs = await openPrograms({ ...parts, connection });
  if (programs) started.use(programs);
  const workers = await createWorkers(parts, { connection, presence, ask, tools, programs });
  await mcp.start();
  started.use(startPruning({ journal: parts.journal, log, retention: settings.journal }));
  const missing = (): Promise<readonly string[]> => whatIsMissing(workers, watch, parts.journal);
  const { healthPort, healthHost } = settings.worker;
  if (healthPort !== undefined) {
    const address = { host: healthHost, port: healthPort };
    started.use(await serveHealth(address, { missing, metrics: () => metrics.registry.metrics() }));
  }
  const kept = started.move();
  const finished = runUntilEnd(workers, { watch, kept });
  const ended = Promise.race([finished, workers.sessions.setBack]);
  // Whoever started the worker looks at it in time; until then a rejection is not an unhandled one.
  ended.catch(() => {});
  log.info({ address: temporal.address }, 'worker started');
  const drain = async (): Promise<void> => {
    if (programs) await retirePrograms(programs, { settings, connection, log });
    shutdown(workers);
    await finished;
  };
  return { ended, missing, drain };
}

interface Workers {
  readonly sessions: RenewedWorker;
  readonly tools: Worker;
  /** Of this process's own queue; undefined where no agent has a program as its engine. */
  readonly programs: Worker | undefined;
}

interface Reach {
  readonly connection: NativeConnection;
  readonly presence: Presence;
  readonly ask: ActivityDependencies['ask'];
  readonly tools: ToolRegistry;
  readonly programs: ProgramHost | undefined;
}

function modelThreads({ settings, secrets }: WorkerParts): ModelThreads {
  const { catalogue, worker } = settings;
  return startModelThreads({ count: worker.modelThreads, catalogue, secrets });
}

async function createWorkers(
  parts: WorkerParts,
  { connection, presence, ask, tools, programs }: Reach,
): Promise<Workers> {
  const { settings, log } = parts;
  const { namespace } = settings.temporal;
  const named = await workflowBundle({
    folder: parts.bundles,
    logger: temporalLogger(log),
    interceptors: parts.tracing ? [workflowInterceptors()] : [],
    stackTraces: settings.worker.workflowStackTraces,
  });
  const deps = { ...dependencies(parts), ask, tools, programs };
  const newest = new NewestActivity();
  const options = intercepted(parts, newest);
  const sessionActivities = createSessionActivities(deps);
  const create = (): Promise<Worker> =>
    Worker.create({
      ...sessionTuning(settings),
      ...options,
      connection,
      ...named,
      activities: sessionActivities,
    });
  const isSetBack = (): Promise<boolean> =>
    newest.isUnknownTo(connection, namespace).catch((error: unknown) => {
      log.warn({ err: error }, 'Temporal does not tell its history');
      return false;
    });
  const toolWorker = Worker.create({
    ...toolTuning(settings),
    interceptors: options.interceptors,
    connection,
    activities: createToolActivities(deps),
  });
  const sessions = RenewedWorker.create({ presence, log, create, isSetBack });
  const own =
    programs &&
    Worker.create({
      ...programTuning(settings, programs.queue),
      interceptors: options.interceptors,
      connection,
      activities: createProgramActivities({ ...deps, programs }),
    });
  const [session, tool, program] = await Promise.all([sessions, toolWorker, own]);
  return { sessions: session, tools: tool, programs: program };
}

function dependencies(parts: WorkerParts): Omit<ActivityDependencies, 'tools'> {
  const { settings, models, secretKeys, hide, ...rest } = parts;
  const { catalogue, timeouts, policies, credentials } = settings;
  const { journal, secrets, log, metrics } = rest;
  const deps = { journal, catalogue, timeouts, policies, secrets, log, metrics, models };
  const authenticator = createAuthenticator({ ...deps, credentials, secretKeys, hide });
  return { ...deps, authenticator };
}

function intercepted(
  { tracing }: WorkerParts,
  newest: NewestActivity,
): Pick<WorkerOptions, 'interceptors' | 'sinks'> {
  const { interceptors, ...sinks } = tracing ? tracingOptions(tracing) : {};
  return {
    ...sinks,
    interceptors: { activity: [newest.interceptor, ...(interceptors?.activity ?? [])] },
  };
}

async function runUntilEnd(
  workers: Workers,
  { watch, kept }: { readonly watch: Watch; readonly kept: AsyncDisposableStack },
): Promise<void> {
  await using _ = kept;
  await run(workers, watch);
}

/** One that ends by itself takes the other with it: half a worker would look alive and hold sessions up. */
async function run(workers: Workers, watch: Watch): Promise<void> {
  const { sessions, tools, programs } = workers;
  const runs = [sessions.run(), tools.run(), ...(programs ? [programs.run()] : [])];
  try {
    await Promise.race([...runs, watch.gone]);
  } finally {
    shutdown(workers);
    await Promise.allSettled(runs);
  }
  await Promise.all(runs);
}

function shutdown({ sessions, tools, programs }: Workers): void {
  sessions.shutdown();
  for (const worker of [tools, programs]) if (worker?.getState() === 'RUNNING') worker.shutdown();
}

const isRunning = (worker: Worker | undefined): boolean =>
  worker === undefined || worker.getState() === 'RUNNING';

const PING_DEADLINE_MS = 2_000;

async function whatIsMissing(
  { sessions, tools, programs }: Workers,
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
    ...(sessions.running && [tools, programs].every(isRunning) ? [] : ['worker']),
    ...(watch.connected ? [] : ['temporal']),
    ...((await Promise.race([answers, late])) ? [] : ['journal']),
  ];
}
