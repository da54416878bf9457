import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { OpenTelemetryWorkflowClientInterceptor } from '@temporalio/interceptors-opentelemetry';
import { expect, it } from 'vitest';
import { createLog } from '../../telemetry/log.ts';
import { startTracing } from '../../telemetry/tracing.ts';
import { stage } from './stage.ts';

interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly attributes: readonly { key: string; value: { stringValue?: string } }[];
}

interface Export {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { spans: readonly Span[] }[] }[];
}

/** An OTLP collector that keeps what it is sent. */
async function collector() {
  const spans: Span[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const sent = JSON.parse(Buffer.concat(chunks).toString()) as Export;
      for (const { scopeSpans } of sent.resourceSpans)
        spans.push(...scopeSpans.flatMap((scope) => scope.spans));
      response.setHeader('content-type', 'application/json').end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = (): void => void server.close();
  return { spans, url: `http://127.0.0.1:${port}`, [Symbol.dispose]: close };
}

it('traces a message from the command through the workflow to the model call, and log lines carry the id', async () => {
  using otlp = await collector();
  let lines = '';
  const destination = { write: (line: string) => void (lines += line) };
  const log = createLog({ level: 'debug', service: 'test', destination });
  {
    await using tracing = startTracing({ url: otlp.url, service: 'test' });
    const interceptors = { workflow: [new OpenTelemetryWorkflowClientInterceptor()] };
    await using on = await stage({}, { interceptors });
    const worker = await on.worker({ tracing, log });
    on.model.script({ fault: { kind: 'status', status: 500 } }, { text: 'at last' });
    const { sessionId } = await on.ask('hello');
    await on.follow(sessionId, ({ type }) => type === 'turn.settled');
    await worker.drain();
  }
  const names = otlp.spans.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining([
      'SignalWithStartWorkflow:session',
      'HandleSignal:userMessage',
      'RunActivity:callModel',
    ]),
  );
  const command = otlp.spans.find(({ name }) => name === 'SignalWithStartWorkflow:session');
  const call = otlp.spans.find(({ name }) => name === 'RunActivity:callModel');
  expect(call?.traceId).toBe(command?.traceId);
  expect(lines).toContain(`"traceId":"${command?.traceId}"`);
});
