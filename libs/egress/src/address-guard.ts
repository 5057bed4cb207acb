import ipaddr from 'ipaddr.js';
import { isAllowed, type Cidr } from './allow-list.js';

/** Why an address may or may not be reached. `allowed`: by the operator's list; `public`: by anyone, over https. */
export type AddressVerdict = 'allowed' | 'public' | 'blocked';

/** Public by number, yet answering to the cloud's own machines only: Azure's platform services, 6to4's and IPv4-compatible IPv6. */
const neverPublic = [ipaddr.parseCIDR('168.63.129.16/32'), ipaddr.parseCIDR('::/96')];

/** Global IPv6 unicast (RFC 4291 §2.4, as assigned by IANA): everything outside is not the Internet. */
const globalUnicastV6 = ipaddr.parseCIDR('2000::/3');

/**
 * Judges one address as resolved or as written, IPv4 in IPv6 clothes included. Everything that is not plainly public
 * unicast is blocked: private, loopback, link-local (cloud metadata), carrier NAT, multicast, transition prefixes.
 */
export function judgeAddress(text: string, allow: readonly Cidr[]): AddressVerdict {
  const bare = canonical(text.replace(/^\[|\]$/g, '').replace(/%.*$/, ''));
  if (!ipaddr.isValid(bare)) return 'blocked';
  const address = ipaddr.process(bare);
  if (isAllowed(address, allow)) return 'allowed';
  return isPublic(address) ? 'public' : 'blocked';
}

/** IPv6 in hexadecimal: ipaddr.js takes `::8.8.8.8` for 8.8.8.8, which is not where a socket would go. */
function canonical(address: string): string {
  const url = `http://[${address}]`;
  return address.includes(':') && URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : address;
}

function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.range() !== 'unicast') return false;
  if (neverPublic.some(([network, bits]) => network.kind() === address.kind() && address.match(network as never, bits))) return false;
  return address.kind() === 'ipv4' || address.match(globalUnicastV6 as never);
}

/** Whether the verdict lets `protocol` through: plain http only where the operator said so. */
export const mayConnect = (verdict: AddressVerdict, protocol: string): boolean =>
  verdict === 'allowed' || (verdict === 'public' && protocol === 'https:');
