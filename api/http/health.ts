import type { FastifyInstance } from 'fastify';
import type { ApiDeps } from '../deps.ts';
import { enterByHttp } from '../entry.ts';
import { toPerdureError } from '../errors.ts';

/** Figures of the whole process, though none of anybody's sessions: for those who run it. */
const METRICS = { path: '/metrics', roles: ['operator'] } as const;

/** For orchestrators, which have no key: `/readyz` says which part is away, and no more. For Prometheus, which can have one. */
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

  app.get('/metrics', async (request, reply) => {
    if (deps.settings.api.metrics === 'key') await enterByHttp(deps, request, METRICS);
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
