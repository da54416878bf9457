import type { FastifyInstance } from 'fastify';
import { readFile } from 'node:fs/promises';
import { ERROR_CODES } from '../../contracts/errors.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';

const PAGES = new URL('../../docs/errors/', import.meta.url);

/** Where the `type` of a problem leads: the code's page, as it stands in the clone. No key: there is nothing of anybody's in it. */
export function registerErrorPages(app: FastifyInstance): void {
  app.get<{ Params: { code: string } }>('/docs/errors/:code', async ({ params }, reply) => {
    const code = ERROR_CODES.find((each) => each === params.code.replace(/\.md$/, ''));
    if (!code) throw new PerdureError('not_found', 'There is no such error code.');
    // As plain text a browser shows it; Markdown it would save.
    return reply
      .type('text/plain; charset=utf-8')
      .send(await readFile(new URL(`${code}.md`, PAGES)));
  });
}
