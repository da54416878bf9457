import { Client } from '@temporalio/client';
import { startApi } from '../../api/server.ts';
import type { RunningApi } from '../../api/server.ts';
import type { SecretLookup } from '../../config/secrets.ts';
import type { Settings } from '../../config/settings.ts';
import type { Journal } from '../../journal/port.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { CommandFailed, EXIT } from '../exit-codes.ts';
import { forPerson } from '../settings.ts';
import { connectTemporal } from './temporal.ts';

export interface ApiParts {
  readonly settings: Settings;
  readonly journal: Journal;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly secrets: SecretLookup;
  /** By which `perdure keys` is let in. */
  readonly ownerKey?: string | undefined;
  /** Whether commands to Temporal begin a trace. */
  readonly tracing?: object | undefined;
}

/** The API with a Temporal client of its own, which is closed with it. */
export async function startOwnApi(parts: ApiParts): Promise<RunningApi> {
  const { settings, journal, log, metrics, secrets } = parts;
  const connection = await connectTemporal(settings, secrets);
  try {
    const api = await startApi({
      settings,
      journal,
      temporalClient: new Client({
        connection,
        namespace: settings.temporal.namespace,
        interceptors: { workflow: parts.tracing ? [await traceCommands()] : [] },
      }),
      catalogue: settings.catalogue,
      log,
      metrics: metrics.registry,
      ownerKey: parts.ownerKey,
    });
    const close = async (): Promise<void> => {
      await api.close();
      await connection.close();
    };
    return { url: api.url, close };
  } catch (error) {
    await connection.close();
    throw notListening(error, settings) ?? forPerson(error);
  }
}

/** An address or a port that cannot be had is no mistake of ours: no stack. */
function notListening(error: unknown, { api }: Settings): CommandFailed | undefined {
  const { syscall, message } = error as NodeJS.ErrnoException;
  if (syscall !== 'listen' && syscall !== 'getaddrinfo') return undefined;
  const reason = `The API cannot listen on ${api.host}, port ${api.port}: ${message}`;
  return new CommandFailed(
    `${reason}. Correct api.host (PERDURE_API_HOST) or api.port (PERDURE_API_PORT).`,
    EXIT.unavailable,
  );
}

async function traceCommands() {
  const { OpenTelemetryWorkflowClientInterceptor } =
    await import('@temporalio/interceptors-opentelemetry');
  return new OpenTelemetryWorkflowClientInterceptor();
}
