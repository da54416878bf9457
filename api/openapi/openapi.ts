/** The OpenAPI document: made from the router, then completed with what the generator does not know of. */
import { generateOpenApiDocument, type OpenAPIObject } from 'trpc-to-openapi';
import { ERRORS } from '../../contracts/errors.ts';
import { problemSchema } from '../http/problem.ts';
import { restRoutes } from '../http/rest.ts';
import { appRouter } from '../router.ts';
import { API_VERSION } from '../version.ts';
import { artifactPaths, problemResponse } from './paths.ts';

type Operation = NonNullable<NonNullable<OpenAPIObject['paths']>[string]['get']>;
type Response = NonNullable<Operation['responses']>[string];

const DESCRIPTION = `Durable sessions with AI agents. Errors are RFC 9457 problem documents with a stable \`code\`:

${Object.entries(ERRORS)
  .filter(([, { status }]) => status !== null)
  .map(([code, { status, title }]) => `- \`${code}\` (${status}): ${title}`)
  .join('\n')}`;

export function generateOpenApi(): OpenAPIObject {
  const document = generateOpenApiDocument(appRouter as never, {
    title: 'Perdure',
    description: DESCRIPTION,
    version: API_VERSION,
    baseUrl: '/',
    openApiVersion: '3.1.0',
    securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'A key: pdk_…' } },
    defs: { Problem: problemSchema },
    paths: artifactPaths as never,
  });
  for (const route of restRoutes()) completeOperation(document, route);
  addStream(document);
  // On loopback, without api.requireKey, no key is asked for.
  document.security = [{ key: [] }, {}];
  return JSON.parse(JSON.stringify(document)) as OpenAPIObject;
}

type Route = ReturnType<typeof restRoutes>[number];

function operationOf(
  document: OpenAPIObject,
  { path, method }: Pick<Route, 'path' | 'method'>,
): Operation {
  const item = document.paths?.[path.replaceAll(/:(\w+)/g, '{$1}')];
  const operation = item?.[String(method).toLowerCase() as 'get'];
  if (!operation) throw new Error(`OpenAPI has no ${String(method)} ${path}`);
  return operation;
}

function completeOperation(document: OpenAPIObject, route: Route): void {
  const operation = operationOf(document, route);
  const { 200: success, ...others } = operation.responses as Record<string, Response>;
  operation.responses = { [route.status]: success, ...others, default: problemResponse };
  if (route.status === 202 && route.query.includes('wait')) operation.responses['200'] = success;
  for (const name of route.query) moveToQuery(operation, name);
  delete operation.security;
}

/** The generator puts every input of a request with a body into the body. */
function moveToQuery(operation: Operation, name: string): void {
  const body = operation.requestBody;
  const schema = body && 'content' in body ? body.content['application/json']?.schema : undefined;
  if (!schema || !('properties' in schema) || !schema.properties?.[name]) return;
  const { [name]: moved, ...properties } = schema.properties;
  schema.properties = properties;
  operation.parameters = [
    ...(operation.parameters ?? []),
    { in: 'query', name, required: false, schema: moved as never },
  ];
}

/** The same path streams where the client asks for it. */
function addStream(document: OpenAPIObject): void {
  const operation = operationOf(document, {
    path: '/api/sessions/:sessionId/events',
    method: 'GET',
  });
  const success = (operation.responses as Record<string, { content?: Record<string, unknown> }>)[
    '200'
  ];
  if (success?.content)
    success.content['text/event-stream'] = {
      schema: { type: 'string', description: 'See the AsyncAPI document: /api/asyncapi.json.' },
    };
  operation.parameters?.push({
    in: 'header',
    name: 'Last-Event-ID',
    required: false,
    description: 'Resumes a stream after this event.',
    schema: { type: 'string' },
  });
}
