/** Where the API is, who asks, and plain HTTP requests to it with typed errors. */
import { fetchError, responseError } from './errors.ts';

export interface ConnectionOptions {
  /** Base address of the API, e.g. `http://127.0.0.1:7400`. In a browser an empty string means the page's own origin. */
  readonly url: string;
  /** API key; not needed on loopback unless the server asks for one. */
  readonly key?: string | undefined;
  /** Another `fetch`: for tests, proxies, extra headers. */
  readonly fetch?: typeof fetch | undefined;
}

export interface Connection {
  /** Without a slash at the end. */
  readonly base: string;
  readonly key: string | undefined;
  readonly fetch: typeof fetch;
}

export const connectionOf = ({ url, key, fetch: own }: ConnectionOptions): Connection => ({
  base: absolute(url).replace(/\/+$/, ''),
  key,
  // Wrapped, because browsers refuse a `fetch` that is called as a method of anything but the window.
  fetch: own ?? ((input, init) => globalThis.fetch(input, init)),
});

/** Only browsers have a page to be relative to. */
const absolute = (url: string): string =>
  new URL(url, (globalThis as { location?: { href?: string } }).location?.href).href;

export const authorization = ({ key }: Pick<Connection, 'key'>): Record<string, string> =>
  key ? { authorization: `Bearer ${key}` } : {};

/**
 * A GET whose answer is 200.
 * @throws {PerdureError} what the API answered instead
 * @throws {NetworkError}
 */
export async function get(
  connection: Connection,
  path: string,
  { headers, signal }: { headers?: Record<string, string>; signal?: AbortSignal | undefined } = {},
): Promise<Response> {
  const url = connection.base + path;
  const init = {
    headers: { ...authorization(connection), ...headers },
    ...(signal && { signal }),
  };
  const response = await connection.fetch(url, init).catch((error: unknown) => {
    throw fetchError(error, url, 'request');
  });
  if (response.status !== 200) throw await responseError(response);
  return response;
}

/** The body as JSON. @throws {NetworkError} where it breaks off */
export async function json<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch (error) {
    throw fetchError(error, response.url, 'body');
  }
}

/** The body as it is. @throws {NetworkError} where it breaks off */
export async function bytes(response: Response): Promise<Uint8Array> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw fetchError(error, response.url, 'body');
  }
}
