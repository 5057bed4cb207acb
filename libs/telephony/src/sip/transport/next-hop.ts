import { isIP } from 'node:net';
import type { SipTransportName } from '@dialfleet/call';
import { splitAtCommas } from '../message/fast-grammar.js';
import { defaultPortOf, isSecure, isWebSocket } from './sip-socket.js';
import type { SipDestination, SipTarget } from '../locate/sip-target.js';
import { scanMessage, type WireMessage } from '../message/wire.js';

/** What the topmost Route, else the request URI, names (RFC 3261 §8.1.2). */
export interface NextHop { host: string; port?: number; transport?: SipTransportName; secure: boolean }

const ROUTE = /\r\nRoute[ \t]*:[ \t]*([^\r\n]*)/i;
const URI = /(sips?):(?:[^@>]*@)?(\[[^\]]+\]|[^:;>?\s]+)(?::(\d{1,5}))?([^>?\s]*)/i;
const TRANSPORT = /;transport=(udp|tcp|tls|wss?)(?=[;>?\s]|$)/i;

export function nextHopOf(message: WireMessage): NextHop | undefined {
  const headers = message.text.indexOf('\r\n\r\n');
  return parseNextHop(firstRoute(headers < 0 ? message.text : message.text.slice(0, headers)) ?? message.requestUri ?? '');
}

function firstRoute(head: string): string | undefined {
  const values = ROUTE.exec(head)?.[1];
  return values?.slice(...splitAtCommas(values)[0]);
}

/** `<sip:user@host:port;transport=tcp>` → its parts; IPv6 without brackets. */
export function parseNextHop(uri: string): NextHop | undefined {
  const match = URI.exec(uri);
  if (!match) return undefined;
  const [, scheme, host, port, parameters] = match;
  const transport = TRANSPORT.exec(parameters)?.[1].toLowerCase() as SipTransportName | undefined;
  return { host: host.startsWith('[') ? host.slice(1, -1) : host, port: port ? Number(port) : undefined, transport, secure: scheme.toLowerCase() === 'sips' };
}

const ROUTES = /\r\nRoute[ \t]*:[^\r\n]*/gi;

/**
 * A request whose first Route has no `lr`: that router wants to find itself in the request URI, and the far end as the last
 * Route (RFC 3261 §12.2.1.1). Any other is as it was.
 */
export function strictlyRouted(message: WireMessage): WireMessage {
  const { text, requestUri } = message;
  if (requestUri === undefined || !text.includes('\r\nRoute:')) return message;
  const head = text.slice(0, text.indexOf('\r\n\r\n'));
  const router = /<(sips?:[^<>?\s]+)[^<>]*>/i.exec(firstRoute(head) ?? '')?.[1];
  if (router === undefined || /;lr(?=[;=]|$)/i.test(router)) return message;
  const routes = (head.match(ROUTES) ?? []).map((line) => line.slice(line.indexOf(':') + 1))
    .flatMap((values) => splitAtCommas(values).map(([from, to]) => values.slice(from, to).trim()));
  const ways = [...routes.slice(1), `<${requestUri}>`].map((route) => `\r\nRoute: ${route}`).join('');
  const [startLine] = head.split('\r\n', 1);
  const rest = head.slice(startLine.length).replace(ROUTES, '');
  const rewritten = scanMessage(`${startLine.replace(requestUri, () => router)}${rest}${ways}${text.slice(head.length)}`);
  return rewritten ?? message;
}

/**
 * Whether a request within a dialog goes to where the call went before, instead of to its next hop: because that is the
 * same place, because the place is reachable only the way that is there (WebSocket clients, RFC 7118 §5; peers behind a NAT that name their inner
 * address), or because it would lay a protected call open.
 */
export function staysOnAim(next: NextHop, aimed: SipTarget): boolean {
  const transport = next.transport ?? aimed.transport;
  if (transport === aimed.transport && (next.port ?? defaultPortOf[transport]) === aimed.port && isHostOf(next.host, aimed)) return true;
  if (isSecure(aimed.transport) && !next.secure && next.transport !== undefined && !isSecure(next.transport)) return true;
  if (isWebSocket(transport) || next.host.toLowerCase().endsWith('.invalid')) return true;
  return isInward(next.host) && !isInward(aimed.address);
}

/** 0/8, 10/8, 100.64/10, 127/8, 169.254/16, 172.16/12, 192.168/16; ::, ::1, fc00::/7, fe80::/10. */
const INWARD = /^(?:0\.|10\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|127\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|192\.168\.|::1?$|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:)/i;

/** An address that means nothing outside its own network. */
const isInward = (host: string): boolean => isIP(host) !== 0 && INWARD.test(host);

const isHostOf = (host: string, target: SipTarget): boolean =>
  host === target.address || host.toLowerCase() === target.hostname.toLowerCase();

/**
 * The next hop as something to look up. Without a transport in the URI it is UDP (RFC 3263 §4.1), except that a call over
 * TLS stays protected. `fallback`: what the endpoint has when it has no UDP.
 */
export function destinationOf(next: NextHop, aimed: SipTarget | undefined, fallback: SipTransportName): SipDestination {
  const isProtected = next.secure || (aimed !== undefined && isSecure(aimed.transport));
  const transport = next.transport ?? (isProtected ? 'tls' : fallback);
  const secured = next.secure && transport === 'tcp' ? 'tls' : transport;
  const port = next.port ?? (isIP(next.host) ? defaultPortOf[secured] : undefined);
  return { host: next.host, transport: secured, ...(port === undefined ? {} : { port }), ...(aimed?.tls === undefined ? {} : { tls: { ...aimed.tls, serverName: undefined } }) };
}
