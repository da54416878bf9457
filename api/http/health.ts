import type { FastifyInstance } from 'fastify';
import type { ApiDeps } from '../deps.ts';
import { toPerdureError } from '../errors.ts';

/** For orchestrators and Prometheus: no key, and nothing about anybody's sessions. */
export function registerHealth(app: FastifyInstance, deps: ApiDeps): void {
  app.get('/healthz', () => ({ status: 'ok' }));

  app.get('/readyz', async (_request, reply) => {
    const [journal, temporal] = await Promise.all([
      check(() => deps.journal.ping()),
      check(() => deps.engine.ping()),
    ]);
    const ready = journal === 'ok' && temporal === 'ok';
    return reply
      .code(ready ? 200 : 503)
      .send({ status: ready ? 'ok' : 'failing', journal, temporal });
  });

  app.get('/metrics', async (_request, reply) => {
    const { registry } = deps.metrics;
    return reply.header('content-type', registry.contentType).send(await registry.metrics());
  });
}

async function check(ping: () => Promise<void>): Promise<string> {
  try {
    await ping();
    return 'ok';
  } catch (error) {
    return toPerdureError(error).code;
  }
}
