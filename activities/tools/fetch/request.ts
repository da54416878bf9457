/** One request to addresses that were checked: the name is resolved here, once, and the connection goes where that said. */
import { lookup } from 'node:dns/promises';
import type { LookupAddress } from 'node:dns';
import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction, Socket } from 'node:net';
import { PerdureError } from '../../../contracts/perdure-error.ts';
import { checkAddresses, hostOf } from './web-rules.ts';
import type { WebRules } from './web-rules.ts';

/** All addresses of a name, as the machine resolves it. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

export const systemResolve: Resolve = (host) => lookup(host, { all: true });

export interface Hop {
  readonly method: 'GET' | 'HEAD';
  readonly rules: WebRules;
  readonly resolve: Resolve;
  /** From the start of the connection to the end of the answer's headers. */
  readonly headersMs: number;
  /** Aborts at the total limit too. */
  readonly signal: AbortSignal;
}

/** In place of the name's resolution by the socket, which may get another answer. */
const pinned =
  (addresses: readonly LookupAddress[]): LookupFunction =>
  (_host, options, callback) => {
    const [first] = addresses;
    if (options.all) callback(null, [...addresses]);
    else if (first) callback(null, first.address, first.family);
    else callback(new Error('no address'), '');
  };

function optionsOf(addresses: readonly LookupAddress[], hop: Hop): RequestOptions {
  return {
    method: hop.method,
    lookup: pinned(addresses),
    signal: hop.signal,
    // A connection of its own: a kept one was opened for another call, and the shared agent may go through a proxy.
    agent: false,
    headers: {
      accept: 'text/html, application/json, text/*;q=0.9, */*;q=0.1',
      'accept-encoding': 'gzip, deflate, br, zstd',
      'user-agent': 'Perdure (fetch_url)',
    },
  };
}

/** What the name said was checked; this is where the connection went. */
function checkPeer(request: ClientRequest, host: string, rules: WebRules): void {
  request.once('socket', (socket: Socket) =>
    socket.once('connect', () => {
      try {
        checkAddresses([socket.remoteAddress ?? ''], host, rules);
      } catch (error) {
        request.destroy(error as Error);
      }
    }),
  );
}

function answered(request: ClientRequest, headersMs: number): Promise<IncomingMessage> {
  const late = setTimeout(
    () =>
      request.destroy(new PerdureError('tool_failed', `No answer within ${headersMs / 1_000} s.`)),
    headersMs,
  );
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  // Stays: a connection may break after the answer has begun, too.
  request.on('error', reject);
  request.once('response', resolve);
  request.end();
  return promise.finally(() => clearTimeout(late));
}

/** The resolver itself cannot be stopped. */
function before<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', onAbort));
}

/**
 * @returns the answer, its body not read yet
 * @throws {PerdureError} `tool_denied` for an address that may not be reached, `tool_failed` for an answer that does not come; what else
 * the network throws may be tried again
 */
export async function requestHop(url: URL, hop: Hop): Promise<IncomingMessage> {
  const host = hostOf(url);
  const addresses = await before(hop.signal, hop.resolve(host));
  if (addresses.length === 0) throw new Error(`${host} has no address`);
  checkAddresses(
    addresses.map(({ address }) => address),
    host,
    hop.rules,
  );
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const request = send(url, optionsOf(addresses, hop));
  checkPeer(request, host, hop.rules);
  return answered(request, hop.headersMs);
}
