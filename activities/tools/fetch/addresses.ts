/** Which addresses a model may reach: those of the public internet, and nothing of the networks that the worker stands in. Pure. */
import ipaddr from 'ipaddr.js';
import type { IPv4, IPv6 } from 'ipaddr.js';

/** In use by a cloud's own services although it looks public (Azure's wire server). */
const SPECIAL_IPV4 = new Set(['168.63.129.16']);

/** IPv6 is handed out from this block only (IANA, "IPv6 Global Unicast Address Assignments"). */
const GLOBAL_UNICAST: [IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];

/** ISATAP (RFC 5214): the last 32 bits are an IPv4 address that a tunnel would lead to. */
const isIsatap = ({ parts }: IPv6): boolean =>
  ((parts[4] ?? 0) & 0xfdff) === 0 && parts[5] === 0x5efe;

const isPublicIpv6 = (address: IPv6): boolean =>
  // Mapped, 6to4, Teredo and NAT64 addresses have ranges of their own: each leads to an IPv4 address by another road.
  address.range() === 'unicast' && address.match(GLOBAL_UNICAST) && !isIsatap(address);

/** @param text an address as the resolver or a socket tells it */
export function isPublic(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (address.kind() === 'ipv6') return isPublicIpv6(address as IPv6);
  return address.range() === 'unicast' && !SPECIAL_IPV4.has(address.toString());
}

/** @param range an address, or a block as `10.1.0.0/16` */
export function isInRange(text: string, range: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.process(text);
  if (!ipaddr.isValidCIDR(range))
    return ipaddr.isValid(range) && ipaddr.process(range).toString() === address.toString();
  const [block, bits] = ipaddr.parseCIDR(range);
  return block.kind() === address.kind() && (address as IPv4).match(block, bits);
}
