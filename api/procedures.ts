/** The base of all procedures: who may call, how often, and how errors look. */
import { initTRPC } from '@trpc/server';
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc';
import type { OpenApiMeta } from 'trpc-to-openapi';
import { ERRORS, type ErrorCode } from '../contracts/errors.ts';
import type { Role } from '../journal/port.ts';
import type { ApiContext } from './context.ts';
import { enter } from './entry.ts';
import { statusOf, toPerdureError } from './errors.ts';
import { refuseUnsafe } from './raw-input.ts';

export interface ProcedureMeta extends Record<string, unknown> {
  readonly openapi?: NonNullable<OpenApiMeta['openapi']>;
  /** What the REST form adds to the procedure: its status, and which inputs of a request with a body stand in the query. */
  readonly rest?: { readonly status?: number; readonly query?: readonly string[] };
  /** Who may call it. */
  readonly roles?: readonly Role[];
}

/** What tRPC clients find in an error's `data`; REST says the same as problem+json. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly httpStatus: number;
  readonly retryable: boolean;
  readonly field?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly requestId?: string | undefined;
  readonly path?: string | undefined;
}

/** JSON-RPC's numbers: clients of subscriptions try again by themselves only where it says that the server is at fault. */
function rpcCodeOf(
  status: number,
): (typeof TRPC_ERROR_CODES_BY_KEY)[keyof typeof TRPC_ERROR_CODES_BY_KEY] {
  if (status === 503) return TRPC_ERROR_CODES_BY_KEY.SERVICE_UNAVAILABLE;
  if (status >= 500) return TRPC_ERROR_CODES_BY_KEY.INTERNAL_SERVER_ERROR;
  return (
    {
      401: TRPC_ERROR_CODES_BY_KEY.UNAUTHORIZED,
      403: TRPC_ERROR_CODES_BY_KEY.FORBIDDEN,
      404: TRPC_ERROR_CODES_BY_KEY.NOT_FOUND,
      409: TRPC_ERROR_CODES_BY_KEY.CONFLICT,
      413: TRPC_ERROR_CODES_BY_KEY.PAYLOAD_TOO_LARGE,
      429: TRPC_ERROR_CODES_BY_KEY.TOO_MANY_REQUESTS,
    }[status] ?? TRPC_ERROR_CODES_BY_KEY.BAD_REQUEST
  );
}

const t = initTRPC
  .context<ApiContext>()
  .meta<ProcedureMeta>()
  .create({
    isDev: false,
    errorFormatter({ shape, error, ctx }) {
      const known = toPerdureError(error);
      const { code, field, retryAfterMs, message } = known;
      const httpStatus = statusOf(known);
      const data: ErrorData = {
        code,
        httpStatus,
        retryable: ERRORS[code].retryable,
        field,
        retryAfterMs,
        requestId: ctx?.requestId,
        path: shape.data.path,
      };
      return { message, code: rpcCodeOf(httpStatus), data };
    },
  });

export const { router } = t;

const checked = t.procedure.use(async ({ ctx, path, meta, getRawInput, next }) => {
  await enter(ctx, { path, roles: meta?.roles ?? [] });
  refuseUnsafe(await getRawInput());
  return next();
});

const only = (...roles: readonly Role[]) => checked.meta({ roles });

/** Every role: what a runner needs too. */
export const anyone = only('user', 'operator', 'runner');
export const person = only('user', 'operator');
export const operator = only('operator');
