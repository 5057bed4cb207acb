import { randomInt } from 'node:crypto';
import type { SrtpPolicy } from '@dialfleet/call';
import type { MediaDirection, MediaSession, RemoteMedia, SrtpParameters } from '../media-session.js';
import { chooseAudio, CLOCK_RATE_HZ, mirrored, parseSdp, PAYLOAD_TYPES, SdpError, writeSdp, type AudioCodec, type ChosenAudio, type SdpMedia, type SdpToWrite } from './sdp.js';
import { isPlainAvp, isSavp, SdesNegotiation } from './sdes-crypto.js';

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
  private readonly sdes: SdesNegotiation;

  constructor(private readonly session: Pick<MediaSession, 'local' | 'setRemote'>, private readonly codecs: readonly AudioCodec[], srtp: SrtpPolicy = 'off') {
    this.sdes = new SdesNegotiation(srtp);
  }

  /** A far end is known and packets flow. */
  get established(): boolean { return this.remote !== undefined; }

  get telephoneEvents(): boolean { return this.remote?.telephoneEvent !== undefined; }

  /** Whether the far end is expected to send. One that holds us (sendonly) may play music or, as most phones do, nothing. */
  get receiving(): boolean { return this.remote?.direction === 'sendrecv'; }

  createOffer(): string {
    return this.write(this.codecs.map((codec) => ({ codec, payloadType: PAYLOAD_TYPES[codec] })), TELEPHONE_EVENT_TYPE, 'sendrecv', this.sdes.offer());
  }

  /** An answer to our offer, early (183) or final. Throws SdpError. */
  applyAnswer(sdp: string): void {
    const media = parseSdp(sdp).find((line) => line.kind === 'audio');
    if (!media || media.port === 0) throw new SdpError('the answer rejects the audio stream');
    this.apply(media, this.choose(media), localDirection(media), this.sdes.applyAnswer(media));
  }

  /** An offer (INVITE, re-INVITE) → our answer. Throws SdpError; the session is then as before. */
  answerOffer(sdp: string): string {
    const offered = parseSdp(sdp);
    const audioIndex = this.bestAudio(offered);
    if (audioIndex < 0) throw new SdpError('the offer has no RTP audio stream');
    const media = offered[audioIndex];
    const chosen = this.choose(media);
    const direction = localDirection(media);
    const { srtp, attributes } = this.sdes.answer(media);
    this.apply(media, chosen, direction, srtp);
    const withMux = media.rtcp.mux ? [...attributes, 'rtcp-mux'] : attributes;
    return this.write([chosen], chosen.telephoneEventPayloadType, direction, { protocol: media.protocol, attributes: withMux, answering: { offered, audioIndex } });
  }

  /** The audio line that suits our policy of protection best, the first of equals; one that does not, for the reason it gives; -1: none. */
  private bestAudio(offered: readonly SdpMedia[]): number {
    const audio = offered.map((line, index) => ({ index, line })).filter(({ line }) => line.kind === 'audio' && line.port !== 0 && isRtp(line.protocol));
    const best = audio.map(({ index, line }) => ({ index, suits: this.sdes.suitability(line) })).sort((a, b) => b.suits - a.suits)[0];
    return best?.index ?? -1;
  }

  private choose(media: SdpMedia): ChosenAudio {
    const chosen = chooseAudio(media, this.codecs);
    if (!chosen) throw new SdpError(`no common codec: we speak ${this.codecs.join(', ')}`);
    return chosen;
  }

  private apply(media: SdpMedia, chosen: ChosenAudio, direction: MediaDirection, srtp: SrtpParameters | undefined): void {
    if (media.address === undefined) throw new SdpError('no c= line for the audio stream');
    this.remote = {
      address: media.address, port: media.port, direction, codec: { name: chosen.codec, payloadType: chosen.payloadType, clockRateHz: CLOCK_RATE_HZ },
      ...(chosen.telephoneEventPayloadType === undefined ? {} : { telephoneEvent: { payloadType: chosen.telephoneEventPayloadType, clockRateHz: CLOCK_RATE_HZ } }),
      ...(media.rtcp.mux || media.rtcp.port !== undefined ? { rtcp: media.rtcp } : {}), ...(srtp ? { srtp } : {}),
    };
    this.session.setRemote(this.remote);
  }

  private write(codecs: readonly { codec: AudioCodec; payloadType: number }[], telephoneEventPayloadType: number | undefined, direction: MediaDirection,
    more: Pick<SdpToWrite, 'protocol' | 'attributes' | 'answering'>): string {
    this.version++;
    return writeSdp({ sessionId: this.sessionId, version: this.version, ...this.session.local, codecs, telephoneEventPayloadType, direction, ...more });
  }
}

const isRtp = (protocol: string): boolean => isSavp(protocol) || isPlainAvp(protocol);

/** What we do, given what the far end says it does. A hold by null address only listens to us no more. */
function localDirection(media: SdpMedia): MediaDirection {
  const direction = mirrored[media.direction];
  if (!HOLD_ADDRESSES.has(media.address ?? '')) return direction;
  return direction === 'sendrecv' ? 'recvonly' : direction === 'sendonly' ? 'inactive' : direction;
}
