import scalar from '@scalar/fastify-api-reference';
import type { FastifyInstance } from 'fastify';
import { generateAsyncApi } from '../openapi/asyncapi.ts';
import { generateOpenApi } from '../openapi/openapi.ts';

/** The page brings its own scripts and styles, inline too; it may load nothing from elsewhere. */
const PAGE_POLICY =
  "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; frame-ancestors 'none'";

/** What the API says about itself, in both machine-readable forms and as a page. No key: there is nothing of anybody's in it. */
export async function registerDocuments(app: FastifyInstance): Promise<void> {
  // Until there is an app to show.
  app.get('/', (_request, reply) => reply.redirect('/api/docs/'));
  const openApi = JSON.stringify(generateOpenApi());
  const asyncApi = JSON.stringify(generateAsyncApi());
  app.get('/api/openapi.json', (_request, reply) => reply.type('application/json').send(openApi));
  app.get('/api/asyncapi.json', (_request, reply) => reply.type('application/json').send(asyncApi));
  await app.register(async (scope) => {
    scope.addHook('onRequest', async (_request, reply) => {
      reply.header('content-security-policy', PAGE_POLICY);
    });
    await scope.register(scalar, {
      routePrefix: '/api/docs',
      configuration: { url: '/api/openapi.json', withDefaultFonts: false, telemetry: false },
    });
  });
}
