/**
 * JSON lines with ids and whole cause chains (mission A15). Fields that mean the same have the same name everywhere:
 * `sessionId`, `turn`, `step`, `attempt`, `callId`, `traceId`, and `err` for an error.
 */
import { trace } from '@opentelemetry/api';
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { serializeError } from './errors.ts';
import { createRedactor } from './redact.ts';
import type { HiddenValues } from './redact.ts';

export type { Logger } from 'pino';

export interface LogOptions {
  readonly level: string;
  /** `api`, `worker`, `all-in-one`: every line carries it. */
  readonly service: string;
  /** Values that never appear in a line. */
  readonly secrets?: readonly string[] | HiddenValues | undefined;
  /** Standard output when absent. */
  readonly destination?: DestinationStream | undefined;
}

export function createLog(options: LogOptions): Logger {
  const redact = createRedactor(options.secrets ?? []);
  return pino(
    {
      level: options.level,
      base: { service: options.service, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: serializeError, error: serializeError },
      // On the finished line: no path can be forgotten, no message and no stack left out.
      hooks: { streamWrite: redact },
      mixin: traceIds,
    },
    options.destination ?? standardOutput(),
  );
}

/** Lines that a full disk does not take are kept up to here, and written once there is room; what comes after them is lost. */
const KEPT_CHARACTERS = 1_000_000;

/** Never throws: a line that cannot be written is no reason to fail what it tells of. */
function standardOutput(): DestinationStream {
  const output = pino.destination({ fd: 1, sync: true, maxLength: KEPT_CHARACTERS });
  output.on('error', () => undefined);
  return output;
}

/** The ids of the trace that is under way, where traces are on. */
function traceIds(): object {
  const context = trace.getActiveSpan()?.spanContext();
  return context ? { traceId: context.traceId, spanId: context.spanId } : {};
}
