import { isIP } from 'node:net';
import type { MediaDirection, RemoteRtcp } from '../media-session.js';

export type AudioCodec = 'PCMU' | 'PCMA';

/** Those of a trunk's codecs that we speak; both where it names none of them. */
export function audioCodecsOf(names: readonly string[]): AudioCodec[] {
  const known = names.filter((name): name is AudioCodec => name === 'PCMU' || name === 'PCMA');
  return known.length > 0 ? known : ['PCMU', 'PCMA'];
}

/** The far end's session description cannot be used; `message` says why. */
export class SdpError extends Error {}

export interface SdpMedia {
  kind: string;
  /** 0: rejected or switched off. */
  port: number;
  protocol: string;
  payloadTypes: string[];
  /** Of the `c=` line nearest to it. */
  address: string | undefined;
  direction: MediaDirection;
  rtpmap: ReadonlyMap<string, { name: string; clockRateHz: number; channels: number }>;
  /** Values of `a=crypto`, in order (RFC 4568). */
  crypto: readonly string[];
  rtcp: Readonly<RemoteRtcp>;
}

/** RFC 3551 §6: payload types that need no rtpmap. */
const STATIC_TYPES: Readonly<Record<string, AudioCodec>> = { 0: 'PCMU', 8: 'PCMA' };
export const PAYLOAD_TYPES: Readonly<Record<AudioCodec, number>> = { PCMU: 0, PCMA: 8 };
export const CLOCK_RATE_HZ = 8_000;

interface Draft { kind: string; port: number; protocol: string; payloadTypes: string[]; address?: string; direction?: MediaDirection; rtpmap: Map<string, { name: string; clockRateHz: number; channels: number }>; crypto: string[]; rtcp: RemoteRtcp }

/** The media lines of a session description (RFC 8866). Throws SdpError where a line that matters cannot be read. */
export function parseSdp(text: string): SdpMedia[] {
  const session: Pick<Draft, 'address' | 'direction'> = {};
  const media: Draft[] = [];
  if (!/^v=0\s*$/m.test(text)) throw new SdpError('not a session description: no v=0');
  for (const line of text.split(/\r\n|\r|\n/)) {
    const value = line.slice(2);
    if (line.startsWith('m=')) media.push(parseMediaLine(value));
    else if (line.startsWith('c=')) (media.at(-1) ?? session).address = parseConnection(value);
    else if (line.startsWith('a=')) applyAttribute(value, session, media.at(-1));
  }
  return media.map((draft) => ({ ...draft, address: draft.address ?? session.address, direction: draft.direction ?? session.direction ?? 'sendrecv' }));
}

function parseMediaLine(value: string): Draft {
  const match = /^(\S+) +(\d{1,5})(?:\/\d+)? +(\S+)((?: +\S+)*) *$/.exec(value);
  if (!match || Number(match[2]) > 65_535) throw new SdpError('m= line cannot be read');
  return { kind: match[1], port: Number(match[2]), protocol: match[3], payloadTypes: match[4].trim().split(/ +/).filter(Boolean), rtpmap: new Map(), crypto: [], rtcp: { mux: false } };
}

function parseConnection(value: string): string {
  const address = /^IN +IP[46] +([^/\s]+)/.exec(value)?.[1];
  if (address === undefined || isIP(address) === 0) throw new SdpError('c= line has no IP address');
  return address;
}

function applyAttribute(value: string, session: Pick<Draft, 'direction'>, media: Draft | undefined): void {
  const attribute = value.trim();
  if (isDirection(attribute)) (media ?? session).direction = attribute;
  if (media) applyMediaAttribute(attribute, media);
}

function applyMediaAttribute(attribute: string, media: Draft): void {
  if (attribute.startsWith('crypto:')) media.crypto.push(attribute.slice('crypto:'.length));
  if (attribute === 'rtcp-mux') media.rtcp.mux = true;
  const rtcp = /^rtcp:(\d{1,5})(?: +IN +IP[46] +(\S+))?$/.exec(attribute);
  if (rtcp && Number(rtcp[1]) > 0 && Number(rtcp[1]) <= 65_535) {
    media.rtcp.port = Number(rtcp[1]);
    if (rtcp[2] !== undefined && isIP(rtcp[2]) !== 0) media.rtcp.address = rtcp[2];
  }
  const map = /^rtpmap:(\d{1,3}) +([^/\s]+)\/(\d{1,6})(?:\/(\d{1,2}))?$/.exec(attribute);
  if (map) media.rtpmap.set(map[1], { name: map[2], clockRateHz: Number(map[3]), channels: Number(map[4] ?? 1) });
}

const isDirection = (text: string): text is MediaDirection => text === 'sendrecv' || text === 'sendonly' || text === 'recvonly' || text === 'inactive';

export interface ChosenAudio { codec: AudioCodec; payloadType: number; telephoneEventPayloadType: number | undefined }

/** The far end's first codec that is also ours (RFC 3264 §6.1, its order of preference), with its telephone-event type. */
export function chooseAudio(media: SdpMedia, codecs: readonly AudioCodec[]): ChosenAudio | undefined {
  for (const payloadType of media.payloadTypes) {
    const codec = codecOf(media, payloadType);
    if (codec && codecs.includes(codec)) return { codec, payloadType: Number(payloadType), telephoneEventPayloadType: telephoneEventOf(media) };
  }
  return undefined;
}

function codecOf(media: SdpMedia, payloadType: string): AudioCodec | undefined {
  const mapped = media.rtpmap.get(payloadType);
  if (!mapped) return Object.hasOwn(STATIC_TYPES, payloadType) ? STATIC_TYPES[payloadType] : undefined;
  const name = mapped.name.toUpperCase();
  return mapped.clockRateHz === CLOCK_RATE_HZ && mapped.channels === 1 && (name === 'PCMU' || name === 'PCMA') ? name : undefined;
}

function telephoneEventOf(media: SdpMedia): number | undefined {
  const found = media.payloadTypes.find((type) => {
    const mapped = media.rtpmap.get(type);
    return mapped?.name.toLowerCase() === 'telephone-event' && mapped.clockRateHz === CLOCK_RATE_HZ;
  });
  return found === undefined ? undefined : Number(found);
}

export interface SdpToWrite {
  sessionId: string;
  /** Grows with each description sent in a session (RFC 3264 §8). */
  version: number;
  address: string;
  port: number;
  codecs: readonly { codec: AudioCodec; payloadType: number }[];
  telephoneEventPayloadType: number | undefined;
  direction: MediaDirection;
  /** Default `RTP/AVP`. */
  protocol?: string;
  /** Further attributes of the audio stream, without `a=`. */
  attributes?: readonly string[];
  /** In an answer: the offer's media lines and which of them this audio answers; the others are rejected (RFC 3264 §6). */
  answering?: { offered: readonly SdpMedia[]; audioIndex: number };
}

export function writeSdp(sdp: SdpToWrite): string {
  const family = isIP(sdp.address) === 6 ? 'IP6' : 'IP4';
  const header = ['v=0', `o=- ${sdp.sessionId} ${sdp.version} IN ${family} ${sdp.address}`, 's=-', `c=IN ${family} ${sdp.address}`, 't=0 0'];
  const audio = audioLines(sdp);
  const media = sdp.answering
    ? sdp.answering.offered.flatMap((offered, index) => (index === sdp.answering?.audioIndex ? audio : [rejectedLine(offered)]))
    : audio;
  return [...header, ...media, ''].join('\r\n');
}

function audioLines(sdp: SdpToWrite): string[] {
  const event = sdp.telephoneEventPayloadType;
  const types = [...sdp.codecs.map((entry) => entry.payloadType), ...(event === undefined ? [] : [event])];
  return [
    `m=audio ${sdp.port} ${sdp.protocol ?? 'RTP/AVP'} ${types.join(' ')}`,
    ...sdp.codecs.map((entry) => `a=rtpmap:${entry.payloadType} ${entry.codec}/${CLOCK_RATE_HZ}`),
    ...(event === undefined ? [] : [`a=rtpmap:${event} telephone-event/${CLOCK_RATE_HZ}`, `a=fmtp:${event} 0-15`]),
    'a=ptime:20', `a=${sdp.direction}`, ...(sdp.attributes ?? []).map((attribute) => `a=${attribute}`),
  ];
}

const rejectedLine = (media: SdpMedia): string => `m=${media.kind} 0 ${media.protocol} ${media.payloadTypes.join(' ') || '0'}`;

/** The same stream seen from the other end. */
export const mirrored: Readonly<Record<MediaDirection, MediaDirection>> = { sendrecv: 'sendrecv', sendonly: 'recvonly', recvonly: 'sendonly', inactive: 'inactive' };
