import { isIP, SocketAddress } from 'node:net';

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * The one way in which an address is written, so that addresses of descriptions and of datagrams can be compared:
 * IPv6 shortened, IPv4 in IPv6 (RFC 4291 §2.5.5.2) as IPv4. Names are left as they are.
 */
export function canonicalAddress(address: string): string {
  if (isIP(address) !== 6) return address;
  const short = new SocketAddress({ address, family: 'ipv6' }).address;
  return MAPPED.exec(short)?.[1] ?? short;
}

/** All zeros: on hold (RFC 2543), or not an address yet. */
export const isWildcard = (address: string): boolean => ['0.0.0.0', '::'].includes(canonicalAddress(address));
