import type { SipTransportName, TrunkPlan } from '@dialfleet/call';
import { URI } from 'sip.js/lib/grammar/uri.js';
import { safeHost, safePort, safeText, safeUser } from '../message/header-safety.js';
import type { SipDestination } from '../locate/sip-target.js';

export interface CallerIdentity {
  trunk: Pick<TrunkPlan, 'fromDomain' | 'identityHeader' | 'privacy'>;
  /** User part. */
  number: string;
  displayName?: string;
  /** Host of From where the trunk names none. */
  localHost: string;
}

export interface IdentityHeaders { from: URI; displayName: string; headers: string[] }

/** IPv6 addresses stand in brackets in a URI. */
export const uriHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** RFC 3323 §4.1.1.3 */
const anonymous = (): URI => new URI('sip', 'anonymous', 'anonymous.invalid');

/** Who is calling: From, and what the trunk wants asserted beside it (RFC 3325; Remote-Party-ID is older than the RFC). */
export function identityHeaders({ trunk, number, displayName = '', localHost }: CallerIdentity): IdentityHeaders {
  const identity = new URI('sip', safeUser(number, 'from number'), uriHost(safeHost(trunk.fromDomain ?? localHost, 'from domain')));
  const quoted = safeText(displayName, 'display name').replace(/[\\"]/g, '\\$&');
  const nameAddr = quoted === '' ? `<${identity.toString()}>` : `"${quoted}" <${identity.toString()}>`;
  const headers = [...assertion(trunk, nameAddr), ...(trunk.privacy ? ['Privacy: id'] : [])];
  return trunk.privacy ? { from: anonymous(), displayName: 'Anonymous', headers } : { from: identity, displayName: quoted, headers };
}

function assertion({ identityHeader = 'none', privacy = false }: CallerIdentity['trunk'], nameAddr: string): string[] {
  switch (identityHeader) {
    case 'none': return [];
    case 'p_asserted_identity': return [`P-Asserted-Identity: ${nameAddr}`];
    case 'p_preferred_identity': return [`P-Preferred-Identity: ${nameAddr}`];
    case 'remote_party_id': return [`Remote-Party-ID: ${nameAddr};party=calling;screen=yes;privacy=${privacy ? 'full' : 'off'}`];
  }
}

const PROXY = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/;

/** `host`, `host:port`, `[v6]:port` or a bare IPv6 address. Throws UnsafeSipValueError. */
export function parseProxy(text: string): { host: string; port?: number } {
  const match = PROXY.exec(text);
  if (!match) return { host: safeHost(text, 'outbound proxy') };
  const host = safeHost(match[1] ?? match[2], 'outbound proxy');
  return match[3] === undefined ? { host } : { host, port: safePort(Number(match[3]), 'outbound proxy port') };
}

/** A Route value that loose-routes over the proxy (RFC 3261 §8.1.2, §19.1.1). */
export function proxyRoute(proxy: { host: string; port?: number }, transport: SipTransportName): string {
  const port = proxy.port === undefined ? '' : `:${proxy.port}`;
  return `<sip:${uriHost(proxy.host)}${port}${transport === 'udp' ? '' : `;transport=${transport}`};lr>`;
}

export type TrunkAddress = Pick<TrunkPlan, 'host' | 'port' | 'transport' | 'tls' | 'wsPath' | 'outboundProxy'>;

/** Whose servers a request through this trunk goes to. */
export function trunkDestination({ host, port, transport, tls, wsPath, outboundProxy }: TrunkAddress): SipDestination {
  const server = outboundProxy === undefined ? { host, ...(port === undefined ? {} : { port }) } : parseProxy(outboundProxy);
  return { ...server, transport, ...(tls === undefined ? {} : { tls }), ...(wsPath === undefined ? {} : { wsPath }) };
}

/** The request URI of a call through this trunk. Throws UnsafeSipValueError. */
export function requestUri(dialUser: string, { host, port, transport }: Pick<TrunkPlan, 'host' | 'port' | 'transport'>): URI {
  if (port !== undefined) safePort(port, 'trunk port');
  return new URI('sip', safeUser(dialUser, 'dialled user'), uriHost(safeHost(host, 'trunk host')), port, transport === 'udp' ? {} : { transport });
}

