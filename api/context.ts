import type { CreateFastifyContextOptions } from '@trpc/server/adapters/fastify';
import type { FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { PerdureError } from '../contracts/perdure-error.ts';
import { identify } from './auth/credentials.ts';
import type { Principal } from './auth/principal.ts';
import type { ApiDeps } from './deps.ts';

/** What a REST answer may say besides its body; over tRPC it is left unsaid. */
export interface ReplyHints {
  status?: number;
  etag?: string;
  readonly headers: Record<string, string>;
}

/** What every procedure gets. */
export interface ApiContext {
  readonly deps: ApiDeps;
  readonly principal: Principal;
  readonly address: string;
  /** Found in the log and in answers, so that a report leads to its lines. */
  readonly requestId: string;
  readonly idempotencyKey?: string | undefined;
  readonly reply: ReplyHints;
  /** Of a connection that carries many calls: whether the key that opened it still holds. @throws as for a new one */
  readonly identifyAgain?: (() => Promise<unknown>) | undefined;
  /** What carries the answer, where that can be a stream. */
  readonly carrier?: Carrier | undefined;
}

/** The connection under a subscription. */
export interface Carrier {
  /** A WebSocket: aborts when it closes. Over HTTP each request has its own signal. */
  readonly closed?: AbortSignal | undefined;
  /** What the client has not read yet, where the connection takes everything that it is given (a WebSocket). */
  readonly unsentBytes?: (() => number) | undefined;
  /** Ends the connection without waiting for a client that does not read. */
  readonly cut: () => void;
}

/** A key is a name, not a document. */
const MAX_IDEMPOTENCY_KEY = 200;

export async function contextOf(
  deps: ApiDeps,
  request: FastifyRequest,
  authorization: string | undefined,
): Promise<ApiContext> {
  const { ip: address, id: requestId, headers } = request;
  const forwarded = isForwarded(headers);
  const principal = await identify(deps, { authorization, address, forwarded });
  return {
    deps,
    principal,
    address,
    requestId,
    idempotencyKey: idempotencyKeyOf(headers),
    reply: { headers: {} },
  };
}

/** Behind a proxy every caller comes from this machine, so that proves nothing, trusted or not. */
export const isForwarded = (headers: IncomingMessage['headers']): boolean =>
  headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;

function idempotencyKeyOf(headers: IncomingMessage['headers']): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  const text = Array.isArray(key) ? key.join() : key;
  if (text.length > 0 && text.length <= MAX_IDEMPOTENCY_KEY) return text;
  throw new PerdureError(
    'invalid_input',
    `"Idempotency-Key": expected 1 to ${MAX_IDEMPOTENCY_KEY} characters.`,
    { field: 'Idempotency-Key' },
  );
}

/** Browsers cannot set headers on event streams and sockets: there the key comes as a connection parameter. */
export const authorizationOf = (
  headers: IncomingMessage['headers'],
  parameters: CreateFastifyContextOptions['info']['connectionParams'],
): string | undefined => headers.authorization ?? parameters?.['authorization'];
