/** Temporal's native runtime: one a process. Its log lines become ours, its figures are read from a port on loopback. */
import { createServer } from 'node:net';
import { Runtime } from '@temporalio/worker';
import type { LogLevel, LogMetadata, Logger } from '@temporalio/worker';
import type { Logger as Log } from '../telemetry/log.ts';

export interface TemporalMetrics {
  /** Temporal's own figures as Prometheus text. Never throws: without them ours are still worth showing. */
  read(): Promise<string>;
}

const READ_DEADLINE_MS = 1_000;
let installed: TemporalMetrics | undefined;

/** Installs the runtime the first time; later workers of the process share it. */
export async function installRuntime(log: Log): Promise<TemporalMetrics> {
  return (installed ??= install(log, await freePort()));
}

function install(log: Log, port: number): TemporalMetrics {
  const bindAddress = `127.0.0.1:${port}`;
  Runtime.install({
    logger: temporalLogger(log),
    // Who drains, and in which order, is decided by the process (cli/), not by each library on its own.
    shutdownSignals: [],
    telemetryOptions: {
      logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} },
      metrics: {
        prometheus: { bindAddress, countersTotalSuffix: true, useSecondsForDurations: true },
      },
    },
  });
  const read = async (): Promise<string> => {
    const signal = AbortSignal.timeout(READ_DEADLINE_MS);
    const response = await fetch(`http://${bindAddress}/metrics`, { signal });
    return response.text();
  };
  return { read: () => read().catch(() => '') };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** The fields of a workflow's or an activity's context under the names that all our lines use. */
function fieldsOf(meta: LogMetadata | undefined): object {
  const { workflowId, error, ...rest } = (meta ?? {}) as Record<string | symbol, unknown>;
  return {
    ...rest,
    ...(workflowId === undefined ? {} : { sessionId: workflowId }),
    ...(error === undefined ? {} : { err: error }),
  };
}

export function temporalLogger(log: Log): Logger {
  const write = (level: LogLevel, message: string, meta?: LogMetadata): void =>
    log[EXPECTED.test(message) ? 'debug' : LEVELS[level]](fieldsOf(meta), message);
  return {
    log: write,
    trace: (message, meta) => write('TRACE', message, meta),
    debug: (message, meta) => write('DEBUG', message, meta),
    info: (message, meta) => write('INFO', message, meta),
    warn: (message, meta) => write('WARN', message, meta),
    error: (message, meta) => write('ERROR', message, meta),
  };
}

/** What the SDK warns of and we mean: the worker of the tool queue runs no workflows. */
const EXPECTED = /^No workflows registered/;

const LEVELS = {
  TRACE: 'trace',
  DEBUG: 'debug',
  // The SDK says at `info` what we say ourselves: that workers start and stop.
  INFO: 'debug',
  WARN: 'warn',
  ERROR: 'error',
} as const satisfies Record<LogLevel, string>;
