/** What `fetch_url` may fetch: decided on the URL, and then on the addresses that its name has. Pure. */
import { PerdureError } from '../../../contracts/perdure-error.ts';
import type { FetchSettings } from '../../../contracts/tool-settings.ts';
import { isInRange, isPublic } from './addresses.ts';

export type WebRules = Pick<FetchSettings, 'allowHosts' | 'denyHosts' | 'privateHosts' | 'ports'>;

const refused = (why: string): PerdureError => new PerdureError('tool_denied', why);

const DEFAULT_PORT: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** As lists name it: no dot at its end, no brackets. */
export const hostOf = ({ hostname }: URL): string =>
  hostname
    .replace(/\.$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();

export const portOf = ({ protocol, port }: URL): number =>
  port === '' ? (DEFAULT_PORT[protocol] ?? 0) : Number(port);

function matches(host: string, pattern: string): boolean {
  const wanted = pattern.toLowerCase();
  return wanted.startsWith('*.') ? host.endsWith(wanted.slice(1)) : host === wanted;
}

/**
 * The platform's own parser, so that nothing is read in two ways: it writes `http://0x7f.1` and full-width digits as 127.0.0.1.
 * @throws {PerdureError} `tool_denied`
 */
export function checkedUrl(text: string, rules: WebRules, base?: URL): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base) : undefined;
  if (!url) throw refused(`"${text}" is not a URL.`);
  if (!(url.protocol in DEFAULT_PORT))
    throw refused(`Only http and https are fetched, not ${url.protocol}`);
  if (url.username !== '' || url.password !== '')
    throw refused('A URL with a user name or a password in it is not fetched.');
  const host = hostOf(url);
  if (!rules.ports.includes(portOf(url)))
    throw refused(`Port ${portOf(url)} is not fetched, only ${rules.ports.join(', ')}.`);
  if (rules.denyHosts.some((pattern) => matches(host, pattern)))
    throw refused(`${host} is denied by the configuration (fetch.denyHosts).`);
  if (rules.allowHosts.length > 0 && !rules.allowHosts.some((pattern) => matches(host, pattern)))
    throw refused(`${host} is not among the hosts that the configuration allows.`);
  return url;
}

const mayReach = (address: string, host: string, { privateHosts }: WebRules): boolean =>
  isPublic(address) ||
  privateHosts.some((entry) => matches(host, entry) || isInRange(address, entry));

/**
 * All addresses of a name: one that is private among public ones is a name to be wary of.
 * @throws {PerdureError} `tool_denied`, without the address, which would tell about the network
 */
export function checkAddresses(addresses: readonly string[], host: string, rules: WebRules): void {
  if (!addresses.every((address) => mayReach(address, host, rules)))
    throw refused(`${host} is not on the public internet: private addresses are not fetched.`);
}
