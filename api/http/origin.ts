/** Who may talk to an API that trusts its own machine: no web page from elsewhere, and no name that merely points here. */
import type { IncomingMessage } from 'node:http';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { isLoopback } from '../auth/bootstrap.ts';
import type { ApiSettings } from '../deps.ts';

type Head = Pick<IncomingMessage, 'headers' | 'rawHeaders'>;

/**
 * Two names of the host are malformed (RFC 9112, section 3.2): Node takes the first, a proxy before it may have judged the other.
 * On loopback a browser's page of any site can send requests here (or, by DNS rebinding, believe to be of this site), without any key: so the
 * Host must be a loopback name, and an Origin loopback or configured. Beyond loopback every request needs a key, which a page does not have.
 * @throws invalid_input, forbidden
 */
export function refuseStrangeOrigin(api: ApiSettings['api'], { headers, rawHeaders }: Head): void {
  if (hostsIn(rawHeaders) > 1)
    throw new PerdureError('invalid_input', '"Host": expected once.', { field: 'Host' });
  if (!isLoopback(api.host)) return;
  const { host, origin } = headers;
  if (host !== undefined && !isLoopback(nameOf(`http://${host}`)))
    throw forbidden('Host', 'expected localhost, 127.0.0.1 or [::1]');
  if (origin === undefined || api.corsOrigins.includes(origin)) return;
  if (!isLoopback(nameOf(origin)))
    throw forbidden('Origin', 'web pages from elsewhere are let in by api.corsOrigins only');
}

/** Node lists names and values in turn. */
const hostsIn = (rawHeaders: readonly string[]): number =>
  rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === 'host').length;

const nameOf = (url: string): string => (URL.canParse(url) ? new URL(url).hostname : '');

const forbidden = (header: string, text: string): PerdureError =>
  new PerdureError('forbidden', `"${header}": ${text}.`, { field: header });
