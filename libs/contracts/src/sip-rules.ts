import { ValidateBy, type ValidationOptions } from 'class-validator';
import ipaddr from 'ipaddr.js';

/** A name whose last label is not a number: what looks like an address must be one (RFC 1123 §2.1). */
const HOST_NAME = /^(?=.{1,253}$)(?!(.*\.)?[0-9]+\.?$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?$/;
const PORT = /^[1-9][0-9]{0,4}$/;

const isIpv6 = (text: string): boolean => /^[0-9A-Fa-f:.]+$/.test(text) && ipaddr.IPv6.isValid(text);

/** A host name, an IPv4 address, or an IPv6 address, which may stand in brackets. */
export function isHost(text: string): boolean {
  if (text.startsWith('[')) return text.endsWith(']') && isIpv6(text.slice(1, -1));
  return HOST_NAME.test(text) || ipaddr.IPv4.isValidFourPartDecimal(text) || isIpv6(text);
}

/** An IPv6 address loses its brackets. */
export const bareHost = (host: string): string => (host.startsWith('[') ? host.slice(1, -1) : host);

/** `host`, `host:port` or `[v6]:port`. */
function isHostAndPort(text: string): boolean {
  const match = /^(\[[^\]]+\]|[^:[\]]+)(?::([^:]*))?$/.exec(text);
  if (!match || !isHost(match[1])) return false;
  return match[2] === undefined || (PORT.test(match[2]) && Number(match[2]) <= 65_535);
}

const rule = (name: string, holds: (text: string) => boolean, message: string) => (options?: ValidationOptions): PropertyDecorator => ValidateBy({
  name, validator: { validate: (value) => typeof value === 'string' && holds(value), defaultMessage: () => (options?.each ? `each ${message}` : message) },
}, options);

export const IsSipHost = rule('isSipHost', isHost, 'must be a host name or an IP address, without a port');
export const IsHostAndPort = rule('isHostAndPort', isHostAndPort, 'must be a host, host:port or [IPv6 address]:port');

function isAddressRange(text: string): boolean {
  const [base, bits = '0', ...rest] = text.split('/');
  const maxBits = ipaddr.IPv4.isValidFourPartDecimal(base) ? 32 : ipaddr.IPv6.isValid(base) && !base.includes('%') ? 128 : -1;
  return rest.length === 0 && /^[0-9]{1,3}$/.test(bits) && Number(bits) <= maxBits;
}

export const IsAddressRange = rule('isAddressRange', isAddressRange, 'must be an address, or a range such as 203.0.113.0/24');
