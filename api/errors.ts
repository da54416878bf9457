/** Every error that leaves the API becomes a PerdureError here, once. */
import { TRPCError } from '@trpc/server';
import { ZodError } from 'zod';
import { ERRORS, ERROR_CODES, type ErrorCode } from '../contracts/errors.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import { HttpRefusal } from './http-refusal.ts';
import { describeIssues } from './zod-issues.ts';

/** Fastify's own refusals, by its error code. */
const FASTIFY: Record<string, readonly [ErrorCode, string]> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['payload_too_large', 'The request body is too large.'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['invalid_input', 'The body is not valid JSON.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['invalid_input', 'The body is empty: expected JSON.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid_input', 'Content-Length does not fit the body.'],
  FST_ERR_BAD_URL: ['invalid_input', 'The path is not a valid URL.'],
};

const WRONG_TYPE = 'This content type is not understood: expected application/json.';

/** tRPC's own refusals; what our procedures throw arrives as a cause instead. */
const TRPC: Partial<Record<TRPCError['code'], ErrorCode>> = {
  BAD_REQUEST: 'invalid_input',
  PARSE_ERROR: 'invalid_input',
  NOT_FOUND: 'not_found',
  PAYLOAD_TOO_LARGE: 'payload_too_large',
  UNPROCESSABLE_CONTENT: 'invalid_input',
};

/** Of those, the ones about a request's form, with HTTP's status for it. */
const FORM: Partial<Record<TRPCError['code'], number>> = {
  METHOD_NOT_SUPPORTED: 405,
  UNSUPPORTED_MEDIA_TYPE: 415,
};

export function toPerdureError(error: unknown): PerdureError {
  if (error instanceof PerdureError) return error;
  if (error instanceof ZodError) return fromIssues(error);
  if (error instanceof TRPCError) return fromTrpc(error);
  if (error instanceof SyntaxError && 'statusCode' in error)
    return new PerdureError('invalid_input', `The body is not valid JSON: ${error.message}.`, {
      cause: error,
    });
  return fromFastify(error) ?? internal(error);
}

function fromIssues(error: ZodError): PerdureError {
  const { code, message, field } = describeIssues(error.issues);
  return new PerdureError(code, message, field === '' ? {} : { field });
}

function fromTrpc(error: TRPCError): PerdureError {
  const { cause } = error;
  if (cause instanceof PerdureError || cause instanceof ZodError) return toPerdureError(cause);
  const status = FORM[error.code];
  if (status) return new HttpRefusal('invalid_input', sentence(error), { status, cause: error });
  const code = TRPC[error.code];
  if (!code) return internal(cause ?? error);
  if (cause instanceof SyntaxError)
    return new PerdureError(code, 'The input is not valid JSON.', { cause: error });
  return new PerdureError(code, sentence(error), { cause: error });
}

const sentence = ({ message }: Error): string => `${message}.`.replace(/\.\.$/, '.');

function fromFastify(error: unknown): PerdureError | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new HttpRefusal('invalid_input', WRONG_TYPE, { status: 415, cause: error });
  const known = 'code' in error ? FASTIFY[String(error.code)] : undefined;
  if (known) return new PerdureError(known[0], known[1], { cause: error });
  const status = 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status >= 400 && status < 500)
    return new PerdureError('invalid_input', `The request was refused: ${error.message}.`, {
      cause: error,
    });
  return undefined;
}

/** The cause goes to the log, never to the client. */
const internal = (cause: unknown): PerdureError =>
  new PerdureError('internal', 'Something went wrong inside Perdure.', { cause });

export const statusOf = (error: PerdureError): number =>
  error instanceof HttpRefusal ? error.status : (ERRORS[error.code].status ?? 500);

/** Reads a code that crossed another border, e.g. as the type of Temporal's ApplicationFailure. */
export const isErrorCode = (text: unknown): text is ErrorCode =>
  ERROR_CODES.includes(text as ErrorCode);
