import { isIP } from 'node:net';
import type { MediaDirection } from '../../media-session.js';
import type { SdpMedia } from './sdp.js';

/** One payload type to describe. */
export interface FormatToWrite {
  payloadType: number;
  /** `opus/48000/2` */
  rtpmap: string;
  fmtp?: string;
}

export interface SdpToWrite {
  sessionId: string;
  /** Grows with each description sent in a session (RFC 3264 §8). */
  version: number;
  address: string;
  port: number;
  /** In order of preference. */
  formats: readonly FormatToWrite[];
  direction: MediaDirection;
  /** Default `RTP/AVP`. */
  protocol?: string;
  /** Further attributes of the audio stream, without `a=`. */
  attributes?: readonly string[];
  /** In an answer: the offer's media lines and which of them this audio answers; the others are rejected (RFC 3264 §6). -1: all are. */
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
  const describe = ({ payloadType, rtpmap, fmtp }: FormatToWrite): string[] => [`a=rtpmap:${payloadType} ${rtpmap}`, ...(fmtp === undefined ? [] : [`a=fmtp:${payloadType} ${fmtp}`])];
  return [
    `m=audio ${sdp.port} ${sdp.protocol ?? 'RTP/AVP'} ${sdp.formats.map((format) => format.payloadType).join(' ')}`,
    ...sdp.formats.flatMap(describe), 'a=ptime:20', `a=${sdp.direction}`, ...(sdp.attributes ?? []).map((attribute) => `a=${attribute}`),
  ];
}

const rejectedLine = (media: SdpMedia): string => `m=${media.kind} 0 ${media.protocol} ${media.payloadTypes.join(' ') || '0'}`;
