/** The typed commands: a tRPC client over HTTP, and its errors as ours. */
import { createTRPCClient, httpBatchLink, httpLink, TRPCClientError } from '@trpc/client';
import type { TRPCClient } from '@trpc/client';
import type { AppRouter } from '../api/router.ts';
import { authorization } from './connection.ts';
import type { Connection } from './connection.ts';
import { describedError, fetchError, NetworkError } from './errors.ts';

/** Every procedure of the API with its types, e.g. `trpc.session.get.query({ sessionId })`. Throws tRPC's own errors: see {@link typed}. */
export type Trpc = TRPCClient<AppRouter>;

/** The server refuses larger batches. */
const BATCH = 50;

/** @param batch gathers the calls of one tick into one request; a call then waits for the slowest of its batch */
export function createTrpc(connection: Connection, batch: boolean): Trpc {
  const options = {
    url: `${connection.base}/trpc`,
    headers: () => authorization(connection),
    fetch: connection.fetch,
  };
  const link = batch
    ? httpBatchLink<AppRouter>({ ...options, maxItems: BATCH })
    : httpLink<AppRouter>(options);
  return createTRPCClient<AppRouter>({ links: [link] });
}

/**
 * A call's result, its errors made ours.
 * @throws {PerdureError} what the API refused
 * @throws {NetworkError} what kept it from answering
 */
export async function typed<T>(call: Promise<T>, connection: Pick<Connection, 'base'>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw trpcError(error, connection.base);
  }
}

/** What tRPC says of JSON that is not in its own form. */
const NOT_TRPC = 'Unable to transform response from server';

/** The typed error behind tRPC's. */
export function trpcError(error: unknown, base: string): unknown {
  if (!(error instanceof TRPCClientError)) return error;
  const shape: unknown = error.data;
  if (typeof shape === 'object' && shape !== null) {
    const described = describedError({ detail: error.message, ...shape }, { cause: error });
    if (described) return described;
  }
  // Such as a request whose head is too long: it was refused before tRPC saw it.
  const body = error.meta?.['responseJSON'];
  const refused =
    typeof body === 'object' && body !== null && describedError(body, { cause: error });
  if (refused) return refused;
  const { cause } = error;
  if (!cause || cause instanceof SyntaxError || cause.message === NOT_TRPC) {
    return new NetworkError(
      'protocol',
      `${base} did not answer as Perdure does: ${error.message}`,
      error,
    );
  }
  return fetchError(cause, base, 'request');
}
