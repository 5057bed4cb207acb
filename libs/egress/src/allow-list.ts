import { envText, errorMessage, SettingError, type Env } from '@dialfleet/kit';
import ipaddr from 'ipaddr.js';

/** An address range that the operator lets pushes and pre-fetches reach besides public addresses. */
export interface Cidr { readonly text: string; readonly network: Address; readonly prefixBits: number }

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** The list in an environment variable. @throws SettingError naming the variable. */
export function envAllowList(env: Env, name: string): Cidr[] {
  try { return parseAllowList(envText(env, name, '')); } catch (error) { throw new SettingError(`${name}: ${errorMessage(error)}`); }
}

/**
 * Reads DIALFLEET_EGRESS_ALLOW: CIDRs or single addresses, separated by commas; empty means public addresses only.
 * @throws Error that names the entry that cannot be read
 */
export const parseAllowList = (text: string | undefined): Cidr[] =>
  (text ?? '').split(',').map((entry) => entry.trim()).filter((entry) => entry !== '').map(parseCidr);

function parseCidr(entry: string): Cidr {
  try {
    // The parser alone also reads "10" and "0x7f.1" as IPv4: too clever for a security setting.
    const [base, bits] = entry.split('/', 2);
    if (!ipaddr.IPv4.isValidFourPartDecimal(base) && !ipaddr.IPv6.isValid(base)) throw new Error('not an address');
    const [network, prefixBits] = ipaddr.parseCIDR(bits === undefined ? `${base}/${base.includes(':') ? 128 : 32}` : entry);
    return { text: entry, network, prefixBits };
  } catch (cause) {
    throw new Error(`"${entry}" is not an address range: write it like 10.1.0.0/16, 127.0.0.1 or fd00::/8`, { cause });
  }
}

export const isAllowed = (address: Address, allow: readonly Cidr[]): boolean =>
  allow.some((cidr) => cidr.network.kind() === address.kind() && address.match(cidr.network as never, cidr.prefixBits));
