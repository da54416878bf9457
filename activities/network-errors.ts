/** What an error says about the way to the other side. Pure. */

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Codes of connections that never came about. */
const UNREACHED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** The chain of causes, the error itself first; at most eight, since nothing stops a cause from being a circle. */
function chain(error: unknown): unknown[] {
  const all: unknown[] = [];
  for (let at: unknown = error; at && all.length < 8;)
    at = (all.push(at), (at as { cause?: unknown }).cause);
  return all;
}

export const isNetwork = (error: unknown): boolean =>
  chain(error).some((at) => {
    const { code, message } = at as { code?: unknown; message?: unknown };
    return (
      NETWORK_CODES.has(String(code)) ||
      /^(?:fetch failed|terminated|network error|socket hang up|cannot connect to api)/i.test(
        String(message),
      )
    );
  });

/** Nothing of the request can have arrived. */
export const neverArrived = (error: unknown): boolean =>
  chain(error).some((at) => UNREACHED.has(String((at as { code?: unknown }).code)));
