import { randomInt } from 'node:crypto';
import type { MediaDirection, MediaSession, RemoteMedia } from '../media-session.js';
import { chooseAudio, CLOCK_RATE_HZ, mirrored, parseSdp, PAYLOAD_TYPES, SdpError, writeSdp, type AudioCodec, type ChosenAudio, type SdpMedia } from './sdp.js';

const TELEPHONE_EVENT_TYPE = 101;
/** Sending here means "on hold" to RFC 2543 user agents (RFC 3264 §8.4). */
const HOLD_ADDRESSES = new Set(['0.0.0.0', '::']);

/**
 * Offer and answer (RFC 3264) for the one audio stream of a dialog, applied to its media session. Synchronous: between a
 * description's arrival and its effect no other message can slip in.
 */
export class MediaNegotiator {
  private readonly sessionId = String(randomInt(1, 2 ** 47));
  private version = 0;
  private remote: RemoteMedia | undefined;

  constructor(private readonly session: Pick<MediaSession, 'local' | 'setRemote'>, private readonly codecs: readonly AudioCodec[]) {}

  /** A far end is known and packets flow. */
  get established(): boolean { return this.remote !== undefined; }

  get telephoneEvents(): boolean { return this.remote?.telephoneEvent !== undefined; }

  /** Whether the far end is expected to send. */
  get receiving(): boolean { return this.remote?.direction === 'sendrecv' || this.remote?.direction === 'recvonly'; }

  createOffer(): string {
    return this.write(this.codecs.map((codec) => ({ codec, payloadType: PAYLOAD_TYPES[codec] })), TELEPHONE_EVENT_TYPE, 'sendrecv');
  }

  /** An answer to our offer, early (183) or final. Throws SdpError. */
  applyAnswer(sdp: string): void {
    const media = parseSdp(sdp).find((line) => line.kind === 'audio');
    if (!media || media.port === 0) throw new SdpError('the answer rejects the audio stream');
    this.apply(media, this.choose(media), localDirection(media));
  }

  /** An offer (INVITE, re-INVITE) → our answer. Throws SdpError; the session is then as before. */
  answerOffer(sdp: string): string {
    const offered = parseSdp(sdp);
    const audioIndex = offered.findIndex((line) => line.kind === 'audio' && line.protocol === 'RTP/AVP' && line.port !== 0);
    if (audioIndex < 0) throw new SdpError('the offer has no plain RTP audio stream');
    const media = offered[audioIndex];
    const chosen = this.choose(media);
    const direction = localDirection(media);
    this.apply(media, chosen, direction);
    return this.write([chosen], chosen.telephoneEventPayloadType, direction, { offered, audioIndex });
  }

  private choose(media: SdpMedia): ChosenAudio {
    const chosen = chooseAudio(media, this.codecs);
    if (!chosen) throw new SdpError(`no common codec: we speak ${this.codecs.join(', ')}`);
    return chosen;
  }

  private apply(media: SdpMedia, chosen: ChosenAudio, direction: MediaDirection): void {
    if (media.address === undefined) throw new SdpError('no c= line for the audio stream');
    this.remote = {
      address: media.address, port: media.port, direction, codec: { name: chosen.codec, payloadType: chosen.payloadType, clockRateHz: CLOCK_RATE_HZ },
      ...(chosen.telephoneEventPayloadType === undefined ? {} : { telephoneEvent: { payloadType: chosen.telephoneEventPayloadType, clockRateHz: CLOCK_RATE_HZ } }),
    };
    this.session.setRemote(this.remote);
  }

  private write(codecs: readonly { codec: AudioCodec; payloadType: number }[], telephoneEventPayloadType: number | undefined, direction: MediaDirection,
    answering?: { offered: readonly SdpMedia[]; audioIndex: number }): string {
    this.version++;
    return writeSdp({ sessionId: this.sessionId, version: this.version, ...this.session.local, codecs, telephoneEventPayloadType, direction, answering });
  }
}

/** What we do, given what the far end says it does. A hold by null address only listens to us no more. */
function localDirection(media: SdpMedia): MediaDirection {
  const direction = mirrored[media.direction];
  if (!HOLD_ADDRESSES.has(media.address ?? '')) return direction;
  return direction === 'sendrecv' ? 'recvonly' : direction === 'sendonly' ? 'inactive' : direction;
}
