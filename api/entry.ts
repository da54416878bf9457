/** What every call passes before its work begins, whichever form it comes in: a procedure, a plain stream, plain bytes. */
import type { FastifyRequest } from 'fastify';
import { PerdureError } from '../contracts/perdure-error.ts';
import type { Role } from '../journal/port.ts';
import { contextOf, type ApiContext } from './context.ts';
import type { ApiDeps } from './deps.ts';

export interface Door {
  /** The procedure's path. */
  readonly path: string;
  /** Who may pass. */
  readonly roles: readonly Role[];
}

/** Counts the call, then looks at the caller's role. @throws rate_limited, forbidden; unauthenticated where the key was revoked */
export async function enter(ctx: ApiContext, { path, roles }: Door): Promise<void> {
  const { principal, deps, address } = ctx;
  await ctx.identifyAgain?.();
  await deps.requests.count(principal);
  if (roles.includes(principal.role)) return;
  const { tenant, user, role } = principal;
  deps.refusals.note({ tenant, user, subject: path, reason: 'role', address });
  throw new PerdureError(
    'forbidden',
    `A key with role "${role}" may not call ${path}: it takes ${roles.join(' or ')}.`,
  );
}

/** For plain routes, which stand beside a procedure and let in whom it lets in. @throws unauthenticated, rate_limited, forbidden */
export async function enterByHttp(
  deps: ApiDeps,
  request: FastifyRequest,
  door: Door,
): Promise<ApiContext> {
  const ctx = await contextOf(deps, request, request.headers.authorization);
  await enter(ctx, door);
  return ctx;
}
