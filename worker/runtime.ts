/** Temporal's native runtime: one a process. Its log lines become ours, its figures are read from a port on loopback. */
import { randomInt } from 'node:crypto';
import { Runtime } from '@temporalio/worker';
import type { LogLevel, LogMetadata, Logger } from '@temporalio/worker';
import type { Logger as Log } from '../telemetry/log.ts';

export interface TemporalMetrics {
  /** Temporal's own figures as Prometheus text. Never throws: without them ours are still worth showing. */
  read(): Promise<string>;
}

const READ_DEADLINE_MS = 1_000;
let installed: TemporalMetrics | undefined;

/**
 * The exporter does not tell a port that it was given by the system, so it is told one: below the range from which systems number outgoing connections, and
 * below that from which our servers (servers/child.ts) take theirs.
 */
const PORTS = { first: 16_000, count: 4_000 } as const;
const TRIES = 20;

/** Installs the runtime the first time; later workers of the process share it. */
export const installRuntime = (log: Log): TemporalMetrics => (installed ??= installOn(log, TRIES));

function installOn(log: Log, tries: number): TemporalMetrics {
  try {
    return install(log, PORTS.first + randomInt(PORTS.count));
  } catch (error) {
    const taken = error instanceof Error && error.message.includes('in use');
    if (!taken || tries === 1) throw error;
    return installOn(log, tries - 1);
  }
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
