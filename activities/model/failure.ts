/** The one classifier: a provider's error → what happened, whether to try again, and where. Pure. */
import {
  APICallError,
  EmptyResponseBodyError,
  InvalidPromptError,
  InvalidResponseDataError,
  JSONParseError,
  LoadAPIKeyError,
  NoSuchModelError,
  TypeValidationError,
  UnsupportedFunctionalityError,
} from '@ai-sdk/provider';
import { StreamProviderError } from 'ai';
import type { ErrorCode } from '../../contracts/errors.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { AuthVerdict } from '../auth/failure.ts';
import { isNetwork, neverArrived } from '../network-errors.ts';
import { retryAfterMs } from '../retry-after.ts';

export interface ModelFailure {
  readonly code: ErrorCode;
  readonly message: string;
  /** The same request may succeed later. */
  readonly retryable: boolean;
  /** The provider answers for it: it counts against the step's budget. */
  readonly charged: boolean;
  /** Another model may do what this one cannot. */
  readonly fallback: boolean;
  /** Says that the provider as a whole is in trouble: counts for its circuit breaker. */
  readonly outage: boolean;
  readonly retryAfterMs?: number | undefined;
  /** The provider did not take the key. */
  readonly unauthorized?: true | undefined;
  /** The request was too long: compact and send it again. */
  readonly compact?: true | undefined;
}

/** A deadline of our own passed. */
export class ModelTimeout extends Error {
  constructor(phase: 'first token' | 'silence' | 'whole answer', ms: number) {
    super(
      phase === 'silence'
        ? `the model was silent for ${ms / 1_000} s in the middle of its answer`
        : `no ${phase === 'first token' ? 'first token' : 'complete answer'} from the model within ${ms / 1_000} s`,
    );
    this.name = 'ModelTimeout';
  }
}

/** The stream ended, politely, without saying that the answer is complete. */
export class IncompleteAnswer extends Error {
  constructor(reason: string) {
    super(`the model's answer is incomplete: ${reason}`);
    this.name = 'IncompleteAnswer';
  }
}

/** The provider's filter stopped the answer. */
export class ContentRefused extends Error {
  constructor() {
    super("the provider's content filter stopped the answer");
    this.name = 'ContentRefused';
  }
}

/** No key for the provider could be had; see `sign-in.ts`. */
export class SignInFailed extends Error {
  readonly credential: string;
  readonly verdict: AuthVerdict;
  constructor(credential: string, verdict: AuthVerdict) {
    super(`Signing in with "${credential}" failed: ${verdict.reason}`);
    this.name = 'SignInFailed';
    this.credential = credential;
    this.verdict = verdict;
  }
}

/** A failure that was classified in the thread where it happened: an error loses its class on the way into another. */
export class ClassifiedFailure extends Error {
  readonly failure: ModelFailure;
  constructor(failure: ModelFailure, stack?: string) {
    super(failure.message);
    this.name = 'ClassifiedFailure';
    this.failure = failure;
    if (stack !== undefined) this.stack = stack;
  }
}

type Kind = Omit<ModelFailure, 'message'>;

const OUTAGE: Kind = {
  code: 'model_unavailable',
  retryable: true,
  charged: true,
  fallback: true,
  outage: true,
};
const SLOW: Kind = { ...OUTAGE, code: 'model_timeout' };
const NETWORK: Kind = { ...OUTAGE, code: 'network_error' };
/** An answer that cannot be read: as likely a fault in one answer as of the provider. */
const GARBLED: Kind = { ...OUTAGE, outage: false };
/** The key, the account or the model's name: another model may work. */
const REJECTED: Kind = {
  code: 'model_rejected',
  retryable: false,
  charged: true,
  fallback: true,
  outage: false,
};
/** The request or its content: another model would be asked the same thing, so it is not. */
const REFUSED: Kind = { ...REJECTED, fallback: false };
const UNAUTHORIZED: Kind = { ...REJECTED, unauthorized: true };
const NOT_SIGNED_IN: Kind = { ...REJECTED, code: 'auth_failed' };
const TOO_LONG: Kind = {
  code: 'context_too_long',
  retryable: false,
  charged: true,
  fallback: true,
  outage: false,
  compact: true,
};
const OURS: Kind = {
  code: 'journal_unavailable',
  retryable: true,
  charged: false,
  fallback: false,
  outage: false,
};

const LONG =
  /context.{0,20}(?:length|window|limit)|too many tokens|prompt is too long|maximum context|context_length_exceeded|exceeds? the (?:model's )?(?:maximum|context)|request_too_large|string_above_max_length/i;
const FILTER =
  /content.?(?:policy|filter|management)|safety|moderation|flagged|refus|responsible ?ai/i;
const QUOTA =
  /insufficient_quota|exceeded your current quota|billing|credit balance|insufficient credits/i;
const UNKNOWN_MODEL =
  /model.{0,60}(?:not (?:found|exist|supported)|does not exist|invalid)|(?:no such|unknown|invalid) model|model_not_found|no endpoints found/i;
const BAD_KEY = /invalid.{0,10}api.?key|authentication|unauthori[sz]ed|permission/i;
const OVERLOAD =
  /overloaded|rate.?limit|too many requests|server_error|internal|unavailable|capacity|timeout|try again|api_error/i;
const INVALID = /invalid_request|bad request|unsupported|validation/i;

function byText(text: string): Kind | undefined {
  if (LONG.test(text)) return TOO_LONG;
  if (FILTER.test(text)) return REFUSED;
  if (QUOTA.test(text) || UNKNOWN_MODEL.test(text)) return REJECTED;
  return undefined;
}

function byStatus(status: number, text: string): Kind {
  if (status === 401) return FILTER.test(text) ? REFUSED : UNAUTHORIZED;
  if (status === 408 || status === 504) return SLOW;
  if (status === 413) return TOO_LONG;
  if (status === 429) return QUOTA.test(text) ? REJECTED : OUTAGE;
  if (status >= 500 || status === 409 || status === 425) return OUTAGE;
  if (status === 402 || status === 403 || status === 404)
    return FILTER.test(text) ? REFUSED : REJECTED;
  // A stream that was cut after its good start is reported with the status of that start.
  if (status < 400) return NETWORK;
  return byText(text) ?? REFUSED;
}

/** An error event in mid-stream: providers give a code, a type or a text, rarely a status. */
function byEvent(error: StreamProviderError): Kind {
  const text = `${error.type ?? ''} ${error.code ?? ''} ${error.message}`;
  if (OVERLOAD.test(text) && !LONG.test(text)) return OUTAGE;
  const status = error.statusCode ?? Number(error.code);
  if (status >= 400) return byStatus(status, text);
  if (BAD_KEY.test(text)) return REJECTED;
  return byText(text) ?? (INVALID.test(text) ? REFUSED : OUTAGE);
}

/**
 * The provider turned the request down, or never had it: it bills nothing. Whatever else went wrong may have been paid for, a gateway's
 * time-out among it.
 */
export function isUnbilled(error: unknown): boolean {
  if (error instanceof PerdureError || error instanceof SignInFailed) return true;
  if (neverArrived(error)) return true;
  if (!APICallError.isInstance(error)) return false;
  const { statusCode = 0 } = error;
  return statusCode >= 400 && byStatus(statusCode, '') !== SLOW;
}

const UNREADABLE = [
  JSONParseError,
  InvalidResponseDataError,
  TypeValidationError,
  EmptyResponseBodyError,
];

function kindOf(error: unknown): Kind {
  if (error instanceof PerdureError)
    return error.code === 'model_rejected'
      ? REJECTED
      : error.code === 'context_too_long'
        ? { ...TOO_LONG, compact: undefined }
        : { ...OURS, code: error.code };
  if (error instanceof SignInFailed)
    return { ...NOT_SIGNED_IN, retryable: error.verdict.retryable };
  if (error instanceof ModelTimeout) return SLOW;
  if (error instanceof IncompleteAnswer) return GARBLED;
  if (error instanceof ContentRefused) return REFUSED;
  if (APICallError.isInstance(error))
    return error.statusCode === undefined
      ? NETWORK
      : byStatus(error.statusCode, `${error.message} ${error.responseBody}`);
  if (StreamProviderError.isInstance(error)) return byEvent(error);
  if (UNREADABLE.some((type) => type.isInstance(error))) return GARBLED;
  if (LoadAPIKeyError.isInstance(error) || NoSuchModelError.isInstance(error)) return REJECTED;
  if (InvalidPromptError.isInstance(error) || UnsupportedFunctionalityError.isInstance(error))
    return REFUSED;
  // Anything else counts as an outage without breaking the circuit: the budget of three keeps it bounded.
  return isNetwork(error) ? NETWORK : GARBLED;
}

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)) || 'no message';

/** @param now epoch milliseconds, for a Retry-After that is a date */
export function classifyFailure(error: unknown, now: number = Date.now()): ModelFailure {
  if (error instanceof ClassifiedFailure) return error.failure;
  const headers = APICallError.isInstance(error) ? error.responseHeaders : undefined;
  return {
    ...kindOf(error),
    message: messageOf(error),
    retryAfterMs:
      error instanceof SignInFailed ? error.verdict.retryAfterMs : retryAfterMs(headers, now),
  };
}
