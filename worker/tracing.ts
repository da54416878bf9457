/** What a Temporal worker needs for traces; nothing of it is there while they are off. */
import { createRequire } from 'node:module';
import { TraceFlags, createTraceState } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import {
  OpenTelemetryActivityInboundInterceptor,
  OpenTelemetryActivityOutboundInterceptor,
} from '@temporalio/interceptors-opentelemetry';
import type { SerializableSpan } from '@temporalio/interceptors-opentelemetry';
import type { WorkerOptions } from '@temporalio/worker';
import type { WorkflowInfo } from '@temporalio/workflow';
import type { Tracing } from '../telemetry/tracing.ts';

/** Goes into the bundle, so its path is resolved and not imported. */
export const workflowInterceptors = (): string =>
  createRequire(import.meta.url).resolve(
    '@temporalio/interceptors-opentelemetry/lib/workflow-interceptors',
  );

export const tracingOptions = ({
  processor,
  resource,
}: Tracing): Pick<WorkerOptions, 'interceptors' | 'sinks'> => ({
  interceptors: {
    activity: [
      (context) => ({
        inbound: new OpenTelemetryActivityInboundInterceptor(context),
        outbound: new OpenTelemetryActivityOutboundInterceptor(context),
      }),
    ],
  },
  sinks: {
    exporter: {
      export: {
        fn: (info: WorkflowInfo, spans: readonly SerializableSpan[]) => {
          for (const span of spans) processor.onEnd(readableSpan(span, { info, resource }));
        },
      },
    },
  },
});

type Origin = Pick<Tracing, 'resource'> & { readonly info: WorkflowInfo };

/** The sandbox writes spans as OpenTelemetry 1 had them; everything out here is version 2, and so Temporal's own exporter does not fit. */
function readableSpan(span: SerializableSpan, { info, resource }: Origin): ReadableSpan {
  const { spanContext: context, parentSpanId, instrumentationLibrary, ...rest } = span;
  const { traceState, ...ids } = context;
  const spanContext = { ...ids, ...(traceState && { traceState: createTraceState(traceState) }) };
  const parent = parentSpanId && {
    traceId: ids.traceId,
    spanId: parentSpanId,
    traceFlags: TraceFlags.SAMPLED,
  };
  return {
    ...rest,
    attributes: { ...rest.attributes, sessionId: info.workflowId, runId: info.runId },
    spanContext: () => spanContext,
    ...(parent && { parentSpanContext: parent }),
    instrumentationScope: instrumentationLibrary,
    resource,
  };
}
