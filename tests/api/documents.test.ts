import { readFile } from 'node:fs/promises';
import { Parser } from '@asyncapi/parser';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { breakingChanges } from '../../api/openapi/breaking.ts';
import { generateAsyncApi } from '../../api/openapi/asyncapi.ts';
import { generateOpenApi } from '../../api/openapi/openapi.ts';
import { restRoutes } from '../../api/http/rest.ts';
import { ERROR_CODES } from '../../contracts/errors.ts';
import { EVENT_TYPES } from '../../contracts/events.ts';
import { startFixture, type Fixture } from './support/fixture.ts';

type Json = Record<string, unknown>;
const copyOf = (document: unknown): Json => JSON.parse(JSON.stringify(document)) as Json;

let product: Fixture;
beforeAll(async () => {
  product = await startFixture();
});
afterAll(() => product[Symbol.asyncDispose]());

test('the OpenAPI document is valid, and every reference in it leads somewhere', async () => {
  const document = copyOf(generateOpenApi());
  const { valid, errors } = await new Validator().validate(copyOf(document));
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
    ([, path]) => path!,
  );
  for (const ref of refs)
    expect(
      ref.split('/').reduce<unknown>((at, key) => (at as Json | undefined)?.[key], document),
      ref,
    ).toBeDefined();
});

test('every REST route is in the OpenAPI document with the problem document as its error', () => {
  const { paths } = generateOpenApi() as unknown as {
    paths: Record<string, Record<string, { responses: Json }>>;
  };
  for (const { path, method, status } of restRoutes()) {
    const operation = paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[String(method).toLowerCase()];
    expect(Object.keys(operation?.responses ?? {}), path).toEqual(
      expect.arrayContaining([String(status), 'default']),
    );
  }
});

test('the AsyncAPI document is valid and names every event', async () => {
  const document = generateAsyncApi();
  const { diagnostics } = await new Parser().parse(JSON.stringify(document));
  // Severity 0 is an error.
  expect(JSON.stringify(diagnostics, null, 1)).not.toContain('"severity": 0');
  const { messages } = document['components'] as { messages: Json };
  expect(Object.values(messages).map((message) => (message as { name: string }).name)).toEqual(
    EVENT_TYPES,
  );
});

test('both documents are served as they are generated, and the page that shows them too', async () => {
  expect((await product.send('GET', '/api/openapi.json')).body).toEqual(copyOf(generateOpenApi()));
  expect((await product.send('GET', '/api/asyncapi.json')).body).toEqual(
    copyOf(generateAsyncApi()),
  );
  const page = await product.send('GET', '/api/docs/');
  expect(page.body['text']).toContain('/api/openapi.json');
  expect(page.headers.get('content-security-policy')).not.toContain('https:');
});

test('the root leads to the page of the API until there is an app', async () => {
  const answer = await fetch(`${product.url}/`);
  expect([answer.status, answer.url]).toEqual([200, `${product.url}/api/docs/`]);
});

test('the type of a problem leads to the page of its code, on the server that answered it', async () => {
  const { body } = await product.send('GET', '/api/nothing');
  const page = await product.send('GET', String(body['type']));
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toContain('text/plain');
  expect(page.body['text']).toBe(await readFile('docs/errors/not_found.md', 'utf8'));
  for (const code of ERROR_CODES)
    expect((await product.send('GET', `/docs/errors/${code}`)).status, code).toBe(200);
  const unknown = await product.send('GET', '/docs/errors/..%2F..%2Fpackage.json');
  expect([unknown.status, unknown.body.code]).toEqual([404, 'not_found']);
});

test('nothing that clients of the kept baseline use has gone', async () => {
  const baseline = JSON.parse(await readFile('docs/api-baseline/openapi.json', 'utf8')) as Json;
  expect(breakingChanges(baseline, copyOf(generateOpenApi()))).toEqual([]);
});

test('a breaking change is found: a path, a parameter, a field of a body or an answer', () => {
  const before = copyOf(generateOpenApi());
  const changed = (
    change: (paths: Record<string, Record<string, Json>>, document: Json) => void,
  ) => {
    const after = copyOf(before);
    change(after['paths'] as Record<string, Record<string, Json>>, after);
    return breakingChanges(before, after);
  };
  expect(changed((paths) => delete paths['/api/contexts'])).toEqual(['GET /api/contexts is gone']);
  expect(
    changed((paths) => {
      const post = paths['/api/sessions']!['post'] as {
        requestBody: { content: Record<string, { schema: Json }> };
      };
      post.requestBody.content['application/json']!.schema['required'] = ['agent'];
    }),
  ).toEqual(['POST /api/sessions: agent is required in the body now']);
  expect(
    changed((paths) => {
      (paths['/api/sessions']!['get']!['parameters'] as Json[]).push({
        in: 'query',
        name: 'x',
        required: true,
      });
    }),
  ).toEqual(['GET /api/sessions: parameter x (query) is required now']);
  expect(
    changed((_, { components }) => {
      const { Session } = (
        components as { schemas: Record<string, { properties: Json; required: string[] }> }
      ).schemas;
      delete Session!.properties['title'];
      Session!.required = Session!.required.filter((name) => name !== 'turns');
    }),
  ).toEqual(
    expect.arrayContaining([
      expect.stringContaining('title is gone from the answer'),
      expect.stringContaining('turns is no longer always in the answer'),
    ]),
  );
});
