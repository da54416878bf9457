/** What can go wrong on the way: errors that the API sent, typed by their code, and those of the network. */
import { ERRORS } from '../contracts/errors.ts';
import type { ErrorCode } from '../contracts/errors.ts';
import { PerdureError } from '../contracts/perdure-error.ts';

/**
 * `unreachable`: nothing answered, or a proxy said that nothing did; `cut`: the connection broke in the middle; `silent`: it stayed open
 * without a sign of life; `protocol`: what answered does not speak as Perdure does (an older version, another program on the port).
 */
export type NetworkErrorKind = 'unreachable' | 'cut' | 'silent' | 'protocol';

/** The request did not reach the API, or its answer did not come back whole. Whether it took effect is unknown. */
export class NetworkError extends Error {
  readonly kind: NetworkErrorKind;
  constructor(kind: NetworkErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'NetworkError';
    this.kind = kind;
  }
  /** Whether the same request may succeed later. */
  get retryable(): boolean {
    return this.kind !== 'protocol';
  }
}

/** Whether repeating the very same request, unchanged and without asking anybody, makes sense. */
export function isTransient(error: unknown): error is PerdureError | NetworkError {
  if (error instanceof NetworkError) return error.retryable;
  if (!(error instanceof PerdureError)) return false;
  const { status } = ERRORS[error.code];
  return status === 429 || (status !== null && status >= 500);
}

const isErrorCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && Object.hasOwn(ERRORS, code);

/** The fields that a problem+json body and a tRPC error's `data` have in common. */
interface Described {
  readonly code?: unknown;
  readonly detail?: unknown;
  readonly field?: unknown;
  readonly retryAfterMs?: unknown;
}

/** The typed error for what the API described; undefined where it has no code of ours. */
export function describedError(
  { code, detail, field, retryAfterMs }: Described,
  options: { retryAfterMs?: number | undefined; cause?: unknown } = {},
): PerdureError | undefined {
  if (!isErrorCode(code)) return undefined;
  const wait = typeof retryAfterMs === 'number' ? retryAfterMs : options.retryAfterMs;
  return new PerdureError(code, typeof detail === 'string' ? detail : undefined, {
    ...(typeof field === 'string' && { field }),
    ...(wait !== undefined && { retryAfterMs: wait }),
    ...(options.cause !== undefined && { cause: options.cause }),
  });
}

/** The typed error for an HTTP answer that is none of the expected ones. Reads the body. */
export async function responseError(response: Response): Promise<PerdureError | NetworkError> {
  const retryAfterMs = retryAfterOf(response.headers.get('retry-after'));
  const body = await response.text().catch(() => '');
  const described = describedError(asObject(body), { retryAfterMs });
  if (described) return described;
  const kind = response.status >= 502 && response.status <= 504 ? 'unreachable' : 'protocol';
  return new NetworkError(
    kind,
    `${response.url} answered ${response.status} ${body.slice(0, 200)}`,
  );
}

/** The typed error for what `fetch`, or reading its body, threw; an abort comes back as it is. */
export function fetchError(error: unknown, url: string, phase: 'request' | 'body'): unknown {
  if (error instanceof PerdureError || error instanceof NetworkError || isAbort(error))
    return error;
  const reason = deepestMessage(error);
  return phase === 'request'
    ? new NetworkError('unreachable', `${new URL(url).origin} cannot be reached: ${reason}`, error)
    : new NetworkError('cut', `the connection to ${new URL(url).origin} was cut: ${reason}`, error);
}

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

/** Node hides the reason ("connect ECONNREFUSED") behind "fetch failed". */
function deepestMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError) return deepestMessage(error.errors[0]);
  return error.cause instanceof Error ? deepestMessage(error.cause) : error.message;
}

function asObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** RFC 9110, section 10.2.3: seconds, or a date. */
function retryAfterOf(header: string | null): number | undefined {
  if (!header) return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
