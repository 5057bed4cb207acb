import { isIP } from 'node:net';
import type { MediaDirection, RemoteRtcp } from '../../media-session.js';

/** The far end's session description cannot be used; `message` says why. */
export class SdpError extends Error {}

/** One payload type of an audio line, as `rtpmap` and `fmtp` describe it. */
export interface SdpFormat {
  payloadType: number;
  /** As written; `undefined`: no (readable) rtpmap, a static type then (RFC 3551 §6). */
  map: { name: string; clockRateHz: number; channels: number } | undefined;
  /** Of `fmtp`; names in lower case. */
  parameters: Readonly<Record<string, string>>;
}

export interface SdpMedia {
  kind: string;
  /** 0: rejected or switched off. */
  port: number;
  protocol: string;
  payloadTypes: readonly string[];
  /** Of the `c=` line nearest to it; `undefined`: there is none, or it holds no IP address. */
  address: string | undefined;
  direction: MediaDirection;
  /** In the order of the `m=` line, which is that of preference. */
  formats: readonly SdpFormat[];
  ptimeMs?: number;
  maxptimeMs?: number;
  /** Values of `a=crypto`, in order (RFC 4568). */
  crypto: readonly string[];
  rtcp: Readonly<RemoteRtcp>;
}

interface Session { address?: string | null; direction?: MediaDirection }

interface Draft extends Session {
  kind: string;
  port: number;
  protocol: string;
  payloadTypes: string[];
  ptimeMs?: number;
  maxptimeMs?: number;
  maps: Map<string, SdpFormat['map']>;
  parameters: Map<string, Record<string, string>>;
  crypto: string[];
  rtcp: RemoteRtcp;
}

/**
 * The media lines of a session description (RFC 8866). Of what real user agents write, only what matters is read: lines that
 * are missing, unknown, out of order, or ended by a bare LF make no difference. Throws SdpError where an `m=` line cannot be read.
 */
export function parseSdp(text: string): SdpMedia[] {
  if (!/^v=0\s*$/m.test(text)) throw new SdpError('not a session description: no v=0');
  const session: Session = {};
  const media: Draft[] = [];
  for (const line of text.split(/\r\n|\r|\n/)) {
    const value = line.slice(2).trim();
    if (line.startsWith('m=')) media.push(parseMediaLine(value));
    else if (line.startsWith('c=')) (media.at(-1) ?? session).address = parseConnection(value);
    else if (line.startsWith('a=')) applyAttribute(value, session, media.at(-1));
  }
  return media.map((draft) => finished(draft, session));
}

function finished(draft: Draft, session: Session): SdpMedia {
  const { kind, port, protocol, payloadTypes, ptimeMs, maxptimeMs, maps, parameters, crypto, rtcp } = draft;
  const address = draft.address === undefined ? session.address : draft.address;
  return {
    kind, port, protocol, payloadTypes, crypto, rtcp, address: address ?? undefined, direction: draft.direction ?? session.direction ?? 'sendrecv',
    ...(ptimeMs === undefined ? {} : { ptimeMs }), ...(maxptimeMs === undefined ? {} : { maxptimeMs }),
    formats: payloadTypes.filter((type) => /^\d{1,3}$/.test(type) && Number(type) < 128)
      .map((type) => ({ payloadType: Number(type), map: maps.get(type), parameters: parameters.get(type) ?? {} })),
  };
}

function parseMediaLine(value: string): Draft {
  const match = /^(\S+)\s+(\d{1,5})(?:\/\d+)?\s+(\S+)((?:\s+\S+)*)$/.exec(value);
  if (!match || Number(match[2]) > 65_535) throw new SdpError('m= line cannot be read');
  const payloadTypes = match[4].trim().split(/\s+/).filter(Boolean);
  return { kind: match[1].toLowerCase(), port: Number(match[2]), protocol: match[3], payloadTypes, maps: new Map(), parameters: new Map(), crypto: [], rtcp: { mux: false } };
}

/** `null`: not an address. A name would have us send wherever its owner points it. */
function parseConnection(value: string): string | null {
  const address = /^IN\s+IP[46]\s+([^/\s]+)/i.exec(value)?.[1];
  return address !== undefined && isIP(address) !== 0 ? address : null;
}

function applyAttribute(attribute: string, session: Session, media: Draft | undefined): void {
  const direction = attribute.toLowerCase();
  if (isDirection(direction)) (media ?? session).direction = direction;
  else if (media) applyMediaAttribute(attribute, media);
}

function applyMediaAttribute(attribute: string, media: Draft): void {
  const [, name, value = ''] = /^([^:\s]+)(?::\s*(.*))?$/.exec(attribute) ?? [];
  switch (name?.toLowerCase()) {
    case 'rtpmap': return applyRtpmap(value, media);
    case 'fmtp': return applyFmtp(value, media);
    case 'ptime': media.ptimeMs = milliseconds(value); return;
    case 'maxptime': media.maxptimeMs = milliseconds(value); return;
    case 'crypto': media.crypto.push(value); return;
    case 'rtcp-mux': media.rtcp.mux = true; return;
    case 'rtcp': return applyRtcp(value, media);
  }
}

function applyRtpmap(value: string, media: Draft): void {
  const map = /^(\d{1,3})\s+([^/\s]+)\/(\d{1,6})(?:\/(\d{1,2}))?$/.exec(value);
  if (map) media.maps.set(String(Number(map[1])), { name: map[2], clockRateHz: Number(map[3]), channels: Number(map[4] ?? 1) });
}

function applyFmtp(value: string, media: Draft): void {
  const [, type, list] = /^(\d{1,3})\s+(.*)$/.exec(value) ?? [];
  if (type === undefined) return;
  const pairs = list.split(';').map((pair) => pair.split('=')).filter((pair) => pair.length === 2);
  media.parameters.set(String(Number(type)), Object.fromEntries(pairs.map(([name, text]) => [name.trim().toLowerCase(), text.trim()])));
}

/** RFC 3605. */
function applyRtcp(value: string, media: Draft): void {
  const rtcp = /^(\d{1,5})(?:\s+IN\s+IP[46]\s+(\S+))?$/i.exec(value);
  if (!rtcp || Number(rtcp[1]) === 0 || Number(rtcp[1]) > 65_535) return;
  media.rtcp.port = Number(rtcp[1]);
  if (rtcp[2] !== undefined && isIP(rtcp[2]) !== 0) media.rtcp.address = rtcp[2];
}

/** Some write 20.000 or nonsense. */
function milliseconds(value: string): number | undefined {
  const number = /^\d{1,4}(\.\d*)?$/.test(value) ? Math.round(Number(value)) : 0;
  return number > 0 ? number : undefined;
}

const isDirection = (text: string): text is MediaDirection => text === 'sendrecv' || text === 'sendonly' || text === 'recvonly' || text === 'inactive';

/** The same stream seen from the other end. */
export const mirrored: Readonly<Record<MediaDirection, MediaDirection>> = { sendrecv: 'sendrecv', sendonly: 'recvonly', recvonly: 'sendonly', inactive: 'inactive' };
