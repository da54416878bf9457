/** The one classifier of sign-ins: an error → what happened, whether to try again, and when. Pure. */
import { LASTING_FAILURES } from '../../contracts/authentication.ts';
import type { AuthFailureKind } from '../../contracts/authentication.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { isNetwork, neverArrived } from '../network-errors.ts';

/** A failure whose kind is known where it is thrown. */
export class AuthFailure extends Error {
  readonly kind: AuthFailureKind;
  readonly retryAfterMs: number | undefined;
  constructor(
    kind: AuthFailureKind,
    reason: string,
    options: ErrorOptions & { retryAfterMs?: number | undefined } = {},
  ) {
    super(reason, options);
    this.name = 'AuthFailure';
    this.kind = kind;
    this.retryAfterMs = options.retryAfterMs;
  }
}

export interface Refusal {
  readonly status: number;
  /** OAuth's own code, such as `invalid_grant`. */
  readonly code?: string | undefined;
  readonly description?: string | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** The other side answered, and not with what was asked for. */
export class Answered extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    const { status, code, description } = refusal;
    super([`it answered ${status}`, code, description].filter(Boolean).join(': '));
    this.name = 'Answered';
    this.refusal = refusal;
  }
}

export interface AuthVerdict {
  readonly kind: AuthFailureKind;
  readonly reason: string;
  /** The same may succeed later. */
  readonly retryable: boolean;
  /** Speaks against the provider as a whole: counts for its circuit breaker. */
  readonly outage: boolean;
  readonly retryAfterMs?: number | undefined;
}

const WRONG_CREDENTIALS = new Set([
  'invalid_grant',
  'invalid_client',
  'unauthorized_client',
  'access_denied',
]);
const IN_TROUBLE = new Set(['temporarily_unavailable', 'server_error']);
const OUTAGES = new Set<AuthFailureKind>(['network', 'timeout', 'rate_limited', 'provider_error']);
const LASTING = new Set<AuthFailureKind>(LASTING_FAILURES);

export const isLasting = (kind: AuthFailureKind): boolean => LASTING.has(kind);

function kindOfAnswer({ status, code = '' }: Refusal): AuthFailureKind {
  if (status === 429) return 'rate_limited';
  if (status === 408 || status === 504) return 'timeout';
  if (status >= 500 || IN_TROUBLE.has(code)) return 'provider_error';
  if (status === 401 || status === 403 || WRONG_CREDENTIALS.has(code)) return 'invalid_credentials';
  return 'misconfigured';
}

const isTimeout = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');

/** Whoever asked went away, as the worker that shuts down; not: it took too long. */
export const isCancelled = ({ aborted, reason }: AbortSignal): boolean =>
  aborted && !(reason instanceof Error && reason.name === 'TimeoutError');

function kindOf(error: unknown): AuthFailureKind {
  if (error instanceof AuthFailure) return error.kind;
  if (error instanceof Answered) return kindOfAnswer(error.refusal);
  if (error instanceof PerdureError) return 'unavailable';
  if (isTimeout(error)) return 'timeout';
  // What cannot be read is the provider's, too: the attempts keep it bounded.
  return isNetwork(error) ? 'network' : 'provider_error';
}

function reasonOf(error: unknown, kind: AuthFailureKind): string {
  if (kind === 'timeout' && !(error instanceof Answered)) return 'no answer in time';
  const { message, cause } = error as { message?: string; cause?: { message?: string } };
  // `fetch failed` alone says nothing.
  const further = kind === 'network' && cause?.message ? `: ${cause.message}` : '';
  return `${message ?? String(error)}${further}`;
}

/** @returns the reason in the other side's own words, which may hold a secret: `redact` it */
export function classifyAuthFailure(error: unknown): AuthVerdict {
  const kind = kindOf(error);
  const retryAfterMs =
    error instanceof Answered
      ? error.refusal.retryAfterMs
      : error instanceof AuthFailure
        ? error.retryAfterMs
        : undefined;
  return {
    kind,
    reason: reasonOf(error, kind),
    retryable: !isLasting(kind),
    outage: OUTAGES.has(kind),
    retryAfterMs,
  };
}

/** A gateway says these where what is behind it may have done its work. */
const OF_GATEWAYS = new Set([502, 504]);

/** Whether a request that failed may have had its effect all the same. */
export function mayHaveHappened(error: unknown): boolean {
  if (error instanceof Answered) return OF_GATEWAYS.has(error.refusal.status);
  // Ours come before anything is sent.
  const ours = error instanceof AuthFailure || error instanceof PerdureError;
  return !ours && !neverArrived(error);
}
