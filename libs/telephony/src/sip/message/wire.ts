import type { SipTransportName } from '@dialfleet/call';

/**
 * A cheap look at a raw SIP message: what the transport layer needs (RFC 3261 §18), without a full parse.
 */
export interface WireMessage {
  text: string;
  /** Undefined for a response. */
  method?: string;
  requestUri?: string;
  /** Undefined for a request. */
  status?: number;
  cseqMethod: string;
  /** The topmost Via value, and where it stands in `text`. */
  via: string;
  viaStart: number;
  viaEnd: number;
  /** Of the topmost Via. */
  branch: string | undefined;
}

/** Where a message came from or goes to; `flow` names a connection. */
export interface Peer { address: string; port: number; transport?: SipTransportName; flow?: string }

/** Larger messages are refused before parsing: a 60 kB header holds the parser for a quarter of a second. */
export const MAX_MESSAGE_BYTES = 8192;

const TOP_VIA = /\r\n(?:Via|v)[ \t]*:[ \t]*([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)/i;
const CALL_ID = /\r\n(?:Call-ID|i)[ \t]*:[ \t]*(\S+)/i;
const TO_TAG = /\r\n(?:To|t)[ \t]*:[^\r\n]*;[ \t]*tag=/i;
const CSEQ = /\r\nCSeq[ \t]*:[ \t]*\d+[ \t]+([^\s]+)/i;
const REQUEST_START = /^([A-Za-z0-9\-.!%*_+`'~]+) (\S+) SIP\/2\.0\r\n/;
const RESPONSE_START = /^SIP\/2\.0 (\d{3})[ \r]/;

/** Undefined when it is no SIP message with a start line, a Via and a CSeq. */
export function scanMessage(text: string): WireMessage | undefined {
  const response = text.startsWith('SIP/2.0 ') ? RESPONSE_START.exec(text) : undefined;
  const request = response === undefined ? REQUEST_START.exec(text) : undefined;
  if (!response && !request) return undefined;
  const viaLine = TOP_VIA.exec(text);
  const cseq = CSEQ.exec(text);
  if (!viaLine || !cseq) return undefined;
  const viaStart = viaLine.index + viaLine[0].length - viaLine[1].length;
  const comma = viaLine[1].indexOf(',');
  const via = comma < 0 ? viaLine[1] : viaLine[1].slice(0, comma);
  return {
    text, method: request?.[1], requestUri: request?.[2], status: response ? Number(response[1]) : undefined, cseqMethod: cseq[1],
    via, viaStart, viaEnd: viaStart + via.length, branch: viaParameter(via, 'branch'),
  };
}

export const callIdOf = (text: string): string | undefined => CALL_ID.exec(text)?.[1];

/** A request within a dialog has a To tag (RFC 3261 §12.2). */
export const hasToTag = (text: string): boolean => TO_TAG.test(text);

export const withVia = (message: WireMessage, via: string): string =>
  message.text.slice(0, message.viaStart) + via + message.text.slice(message.viaEnd);

/** `Via: a, b` → two header fields (RFC 3261 §7.3.1): sip.js would read the last as the topmost. */
export function splitJoinedVia(message: WireMessage): string {
  const { text, viaEnd } = message;
  if (text[viaEnd] !== ',') return text;
  const rest = text.slice(viaEnd + 1).replace(/^[ \t]*(?:\r\n[ \t]+)?/, '');
  return `${text.slice(0, viaEnd)}\r\nVia: ${rest}`;
}

const parameterPatterns = new Map<string, RegExp>();
function parameterPattern(name: string): RegExp {
  const known = parameterPatterns.get(name);
  if (known) return known;
  const pattern = new RegExp(`;[ \\t]*${name}[ \\t]*(?:=[ \\t]*([^;,\\s]*))?(?=[;,\\s]|$)`, 'i');
  parameterPatterns.set(name, pattern);
  return pattern;
}

/** The value of a Via parameter: '' when it stands there without one, undefined when it does not. */
export function viaParameter(via: string, name: string): string | undefined {
  const match = parameterPattern(name).exec(via);
  return match ? match[1] ?? '' : undefined;
}

export function withoutViaParameter(via: string, name: string): string {
  let rest = via;
  while (parameterPattern(name).test(rest)) rest = rest.replace(parameterPattern(name), '');
  return rest;
}

/** Host and port that the sender of the message put into its Via; a host without IPv6 brackets. */
export function viaSentBy(via: string): { host: string; port: number | undefined } | undefined {
  const match = /^SIP[ \t]*\/[ \t]*2\.0[ \t]*\/[ \t]*\S+[ \t]+(\[[^\]]+\]|[^:;\s]+)(?:[ \t]*:[ \t]*(\d{1,5}))?/i.exec(via);
  return match ? { host: bareHost(match[1]), port: match[2] ? Number(match[2]) : undefined } : undefined;
}

/** Our own Via parameter, never seen on the wire: the connection on which a request came. */
const FLOW = 'x-flow';

/** A received request's top Via with where it really came from (RFC 3261 §18.2.1, RFC 3581 §4). */
export function annotateVia(via: string, source: Peer): string {
  let out = withoutViaParameter(withoutViaParameter(via, 'received'), FLOW);
  const wantsPort = viaParameter(out, 'rport') !== undefined;
  if (wantsPort) out = `${withoutViaParameter(out, 'rport')};rport=${source.port}`;
  if (wantsPort || viaSentBy(out)?.host !== source.address) out += `;received=${source.address}`;
  return source.flow === undefined ? out : `${out};${FLOW}=${source.flow}`;
}

/** Where a response goes by its top Via (RFC 3261 §18.2.2, RFC 3581 §4), and that Via as it goes onto the wire. */
export function responseRoute(via: string): { host: string; port: number; flow: string | undefined; via: string } | undefined {
  const sentBy = viaSentBy(via);
  if (!sentBy) return undefined;
  const flow = viaParameter(via, FLOW);
  return {
    host: viaParameter(via, 'received') || sentBy.host,
    port: Number(viaParameter(via, 'rport')) || sentBy.port || 5060,
    flow, via: flow === undefined ? via : withoutViaParameter(via, FLOW),
  };
}

const bareHost = (host: string): string => (host.startsWith('[') ? host.slice(1, -1) : host);

/** Every value of a header field, one per line, folded lines joined. */
export function headerValues(text: string, name: string): string[] {
  const end = text.indexOf('\r\n\r\n');
  const pattern = new RegExp(`\\r\\n${name}[ \\t]*:[ \\t]*([^\\r\\n]*(?:\\r\\n[ \\t][^\\r\\n]*)*)`, 'gi');
  return [...text.slice(0, end < 0 ? undefined : end).matchAll(pattern)].map((match) => match[1].replace(/\r\n[ \t]+/g, ' '));
}
