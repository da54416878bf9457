/** /healthz, /readyz and /metrics of a worker process. Plain node:http: a worker has no other reason to serve HTTP. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface HealthSources {
  /** What is missing for taking work; empty when ready. */
  readonly missing: () => Promise<readonly string[]>;
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
}

export interface HealthAddress {
  readonly host: string;
  readonly port: number;
}

/** @throws when the port is taken */
export async function serveHealth(
  { host, port }: HealthAddress,
  sources: HealthSources,
): Promise<AsyncDisposable> {
  const server = createServer((request, response) => void answer(request, response, sources));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { [Symbol.asyncDispose]: close };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { missing, metrics }: HealthSources,
): Promise<void> {
  const path = request.url?.split('?')[0];
  if (path === '/healthz') return json(response, 200, { status: 'ok' });
  if (path === '/metrics') {
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(await metrics());
    return;
  }
  if (path !== '/readyz') return json(response, 404, { status: 'not found' });
  const wanting = await missing();
  const body =
    wanting.length === 0 ? { status: 'ready' } : { status: 'not ready', missing: wanting };
  json(response, wanting.length === 0 ? 200 : 503, body);
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
