/**
 * Traces over OTLP, from a client's command through the workflow to the provider's call. Off unless `telemetry.otlpUrl` is set: each span
 * costs, and Temporal's interceptors put headers into every history.
 */
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { Resource } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-node';

export interface Tracing extends AsyncDisposable {
  readonly resource: Resource;
  readonly processor: SpanProcessor;
}

export interface TracingOptions {
  /** Base address of an OTLP/HTTP endpoint; spans go to `/v1/traces` there unless it says so itself. */
  readonly url: string;
  readonly service: string;
}

const TRACES_PATH = '/v1/traces';

/** Registers this process's tracer; spans that wait are sent when it is disposed of. */
export function startTracing({ url, service }: TracingOptions): Tracing {
  const resource = resourceFromAttributes({ 'service.name': `perdure-${service}` });
  const base = url.replace(/\/+$/, '');
  const exporter = new OTLPTraceExporter({
    url: base.endsWith(TRACES_PATH) ? base : base + TRACES_PATH,
  });
  const processor = new BatchSpanProcessor(exporter);
  const provider = new NodeTracerProvider({ resource, spanProcessors: [processor] });
  provider.register();
  return { resource, processor, [Symbol.asyncDispose]: () => provider.shutdown() };
}
