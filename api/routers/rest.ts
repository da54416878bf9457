/** Shorthand for the REST form of a procedure. */
import { z } from 'zod';
import type { ProcedureMeta } from '../procedures.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

interface Options {
  readonly status?: number;
  /** Inputs that stand in the query although the request has a body. */
  readonly query?: readonly string[];
  /** The request may carry an Idempotency-Key. */
  readonly keyed?: boolean;
  readonly description?: string;
}

const idempotencyHeader = z.object({
  'Idempotency-Key': z
    .string()
    .max(200)
    .optional()
    .describe('The same key again is the same request: it is carried out once.'),
});

/** `route` is `METHOD /path`; its first segment after /api is the tag. */
export function rest(
  route: `${Method} /api/${string}`,
  summary: string,
  { status, query, keyed, description }: Options = {},
): ProcedureMeta {
  const [method, path] = route.split(' ') as [Method, `/${string}`];
  return {
    openapi: {
      method,
      path,
      summary,
      tags: [path.split('/')[2] ?? 'system'],
      errorResponses: [],
      ...(description && { description }),
      ...(keyed && { requestHeaders: idempotencyHeader }),
    },
    rest: { ...(status && { status }), ...(query && { query }) },
  };
}
