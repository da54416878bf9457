/** What an error of the protocol's client says about a call. Pure. */
import { ProtocolError, SdkError, SdkErrorCode, SdkHttpError } from '@modelcontextprotocol/client';
import { STREAM_LOST } from './http-transport.ts';

/**
 * `answered`: the server has refused or answered in a form nobody can read; the call is over. `undelivered`: it never got there.
 * `lost`: it may have got there, and nobody knows what became of it.
 */
export type CallFate = 'answered' | 'undelivered' | 'lost';

/** Nothing of the request has left this machine, or the server did not know the session it was for. */
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
const ANSWERED_CODES = new Set<SdkErrorCode>([
  SdkErrorCode.InvalidResult,
  SdkErrorCode.UnsupportedResultType,
  SdkErrorCode.InputRequiredRoundsExceeded,
  SdkErrorCode.ClientHttpUnexpectedContent,
  SdkErrorCode.CapabilityNotSupported,
]);
const UNDELIVERED_CODES = new Set<SdkErrorCode>([
  SdkErrorCode.NotConnected,
  SdkErrorCode.NotInitialized,
]);

export function fateOf(error: unknown): CallFate {
  if (error instanceof ProtocolError) return error.code === STREAM_LOST ? 'lost' : 'answered';
  if (error instanceof SdkHttpError) return fateOfStatus(error.status);
  if (error instanceof SdkError) {
    if (ANSWERED_CODES.has(error.code)) return 'answered';
    return UNDELIVERED_CODES.has(error.code) ? 'undelivered' : 'lost';
  }
  return NOT_SENT.has(codeOf(error)) ? 'undelivered' : 'lost';
}

/** 404 is how a server says that it has forgotten the session: it has not looked at the call. Nor has one that sends it elsewhere, where we do not go. */
function fateOfStatus(status: number): CallFate {
  if (status === 404) return 'undelivered';
  return status >= 300 && status < 500 && status !== 408 ? 'answered' : 'lost';
}

const codeOf = (error: unknown): string => {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  const found = code ?? cause?.code;
  return typeof found === 'string' ? found : '';
};
