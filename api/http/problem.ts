/** RFC 9457 problem documents: what every error looks like over REST. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ERROR_CODES, ERRORS } from '../../contracts/errors.ts';
import type { PerdureError } from '../../contracts/perdure-error.ts';
import { statusOf, toPerdureError } from '../errors.ts';
import { HttpRefusal } from '../http-refusal.ts';

/** Resolved against the server, which serves the page there (error-pages.ts). */
const typeOf = (code: string): string => `/docs/errors/${code}`;

export const problemSchema = z
  .object({
    type: z.string().describe('The page of this code: docs/errors/<code>.'),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().describe('What is wrong here, for a person.'),
    code: z.enum(ERROR_CODES),
    field: z.string().optional().describe('The wrong field.'),
    retryable: z.boolean().describe('Whether the same request may succeed later.'),
    advice: z.string(),
    requestId: z.string().describe("Leads to the server's log."),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof problemSchema>;

export function problemOf(error: PerdureError, requestId: string): Problem {
  const { code, field, message } = error;
  const { title, retryable, advice } = ERRORS[code];
  return {
    type: typeOf(code),
    title,
    status: statusOf(error),
    detail: message,
    code,
    ...(field !== undefined && { field }),
    retryable,
    advice,
    requestId,
  };
}

/** Answers with an error, whatever was thrown. What nobody foresaw goes to the log whole and to the client without its cause. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  thrown: unknown,
): FastifyReply {
  const error = toPerdureError(thrown);
  logProblem(request, error);
  setRetryAfter(reply, error);
  if (error instanceof HttpRefusal) reply.headers(error.headers);
  if (error.code === 'unauthenticated') reply.header('www-authenticate', 'Bearer');
  const problem = problemOf(error, request.id);
  // Text, so that Fastify leaves the content type alone.
  return reply
    .code(problem.status)
    .header('x-request-id', request.id)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .send(JSON.stringify(problem));
}

export function logProblem(request: Pick<FastifyRequest, 'log'>, error: PerdureError): void {
  if (statusOf(error) >= 500) request.log.error({ err: error }, error.message);
  else request.log.debug({ code: error.code, field: error.field }, error.message);
}

function setRetryAfter(reply: FastifyReply, { retryAfterMs }: PerdureError): void {
  if (retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(retryAfterMs / 1_000));
}
