import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { artifactIdSchema } from '../../contracts/content.ts';
import { MAX_ARTIFACT_BYTES } from '../../contracts/limits.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { findArtifact, storeArtifact } from '../artifacts.ts';
import type { ApiContext } from '../context.ts';
import type { ApiDeps } from '../deps.ts';
import { enterByHttp, type Door } from '../entry.ts';
import { refuseUnsafe } from '../raw-input.ts';
import { doorOf } from './door.ts';
import { sendProblem } from './problem.ts';

const DEFAULT_TYPE = 'application/octet-stream';
const MAX_NAME = 255;
const paramsSchema = z.object({ artifact: artifactIdSchema });

/** Plain bytes in and out: JSON would make them a third larger. */
export function registerArtifacts(app: FastifyInstance, deps: ApiDeps): void {
  app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      '*',
      { parseAs: 'buffer', bodyLimit: MAX_ARTIFACT_BYTES },
      (_request, body, parsed) => parsed(null, body),
    );
    scope.post('/api/artifacts', { bodyLimit: MAX_ARTIFACT_BYTES }, (request, reply) =>
      answer({ deps, request, reply, door: doorOf('artifact.put') }, upload),
    );
    scope.get('/api/artifacts/:artifact', (request, reply) =>
      answer({ deps, request, reply, door: doorOf('artifact.get') }, download),
    );
    done();
  });
}

interface Exchange {
  readonly deps: ApiDeps;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly door: Door;
}

async function answer(
  exchange: Exchange,
  work: (ctx: ApiContext, exchange: Exchange) => Promise<FastifyReply>,
): Promise<FastifyReply> {
  const { deps, request, reply, door } = exchange;
  try {
    return await work(await enterByHttp(deps, request, door), exchange);
  } catch (error) {
    return sendProblem(request, reply, error);
  }
}

async function upload(ctx: ApiContext, { request, reply }: Exchange): Promise<FastifyReply> {
  const { name } = request.query as { name?: string };
  if (name !== undefined && (name.length === 0 || name.length > MAX_NAME))
    throw new PerdureError('invalid_input', `"name": expected 1 to ${MAX_NAME} characters.`, {
      field: 'name',
    });
  refuseUnsafe(name, 'name');
  const bytes = request.body instanceof Buffer ? request.body : Buffer.alloc(0);
  const mediaType = (request.headers['content-type'] ?? DEFAULT_TYPE).slice(0, 200);
  const ref = await storeArtifact(ctx, { bytes, mediaType, name });
  return reply.code(201).header('location', `/api/artifacts/${ref.artifact}`).send(ref);
}

async function download(ctx: ApiContext, { request, reply }: Exchange): Promise<FastifyReply> {
  const { artifact } = paramsSchema.parse(request.params);
  const { ref, bytes } = await findArtifact(ctx, artifact);
  // Content that somebody uploaded must never run as a page of this origin.
  return reply
    .header('content-type', ref.mediaType)
    .header(
      'content-disposition',
      `attachment; filename*=UTF-8''${encodeURIComponent(ref.name ?? ref.artifact)}`,
    )
    .header('content-security-policy', "default-src 'none'; sandbox")
    .header('cache-control', 'private, max-age=31536000, immutable')
    .send(Buffer.from(bytes));
}
