import type { Settings } from '../../config/settings.ts';
import type { Tracing } from '../../telemetry/tracing.ts';

/** Loads OpenTelemetry only where traces are on: it takes memory and a part of a second. */
export async function tracingOf(
  { telemetry }: Settings,
  service: string,
): Promise<Tracing | undefined> {
  if (telemetry.otlpUrl === undefined) return undefined;
  const { startTracing } = await import('../../telemetry/tracing.ts');
  return startTracing({ url: telemetry.otlpUrl, service });
}
