import { randomInt } from 'node:crypto';
import type { CodecName, SrtpPolicy } from '@dialfleet/call';
import { COMFORT_NOISE_PAYLOAD_TYPE, type ReceiveFormats, SAMPLE_RATE_HZ } from '@dialfleet/media';
import type { MediaDirection, MediaSession, RemoteMedia, SrtpParameters } from '../../media-session.js';
import { chooseAudio, receivable, understood, wantedPtimeMs, writeAudioFormat, writeComfortNoise, writeEventFormat, type ChosenAudio } from './audio-formats.js';
import { PayloadTypes } from './payload-types.js';
import { mirrored, parseSdp, SdpError, type SdpMedia } from './sdp.js';
import { writeSdp, type FormatToWrite, type SdpToWrite } from './sdp-writer.js';
import { isPlainAvp, isSavp, SdesNegotiation } from './sdes-crypto.js';

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
  private readonly payloadTypes = new PayloadTypes();
  /** Of our last offer. */
  private offered: ReceiveFormats = { audio: [], telephoneEvents: [] };

  constructor(private readonly session: Pick<MediaSession, 'local' | 'setRemote'>, private readonly codecs: readonly CodecName[], srtp: SrtpPolicy = 'off') {
    this.sdes = new SdesNegotiation(srtp);
  }

  /** A far end is known and packets flow. */
  get established(): boolean { return this.remote !== undefined; }

  get telephoneEvents(): boolean { return this.remote?.telephoneEvent !== undefined; }

  /** Whether the far end is expected to send. One that holds us (sendonly) may play music or, as most phones do, nothing. */
  get receiving(): boolean { return this.remote?.direction === 'sendrecv'; }

  /** Our codecs in our order; within a call the one in use comes first, so that a refresh changes nothing. */
  createOffer(): string {
    const current = this.remote?.codec.name;
    const audio = [...this.codecs].sort((a, b) => Number(b === current) - Number(a === current)).map((name) => this.payloadTypes.audio(name));
    const telephoneEvents = this.payloadTypes.events(this.codecs);
    this.offered = { audio, telephoneEvents };
    const noise = audio.some(({ clockRateHz }) => clockRateHz === SAMPLE_RATE_HZ) ? [writeComfortNoise(COMFORT_NOISE_PAYLOAD_TYPE)] : [];
    return this.write([...audio.map(writeAudioFormat), ...noise, ...telephoneEvents.map(writeEventFormat)], 'sendrecv', this.sdes.offer());
  }

  /** After 488 to our offer: whether the next one differs, in that it insists on SRTP. */
  insistOnSrtp(): boolean { return this.sdes.insist(); }

  /** An answer to our offer, early (183) or final. Throws SdpError. */
  applyAnswer(sdp: string): void {
    const media = parseSdp(sdp).find((line) => line.kind === 'audio');
    if (!media || media.port === 0) throw new SdpError('the answer rejects the audio stream');
    if (!isRtp(media.protocol)) throw new SdpError('the answer is no RTP audio stream');
    this.apply(media, this.choose(media), this.offered, { direction: localDirection(media), srtp: this.sdes.applyAnswer(media) });
  }

  /** Who was heard before the answer is gone: nothing is sent there any more. */
  forgetRemote(): void {
    if (this.remote) this.session.setRemote({ ...this.remote, port: 0, direction: 'inactive' });
    this.remote = undefined;
  }

  /** An offer (INVITE, re-INVITE) → our answer. Throws SdpError; the session is then as before. */
  answerOffer(sdp: string): string {
    const offered = parseSdp(sdp);
    const audioIndex = this.bestAudio(offered);
    if (audioIndex < 0) return this.answerWithoutAudio(offered);
    const media = offered[audioIndex];
    const chosen = this.choose(media);
    const direction = localDirection(media);
    const { srtp, attributes } = this.sdes.answer(media);
    this.apply(media, chosen, { audio: [], telephoneEvents: [] }, { direction, srtp });
    this.payloadTypes.adopt(understood(media));
    this.offered = { audio: [chosen.codec], telephoneEvents: chosen.telephoneEvent ? [chosen.telephoneEvent] : [] };
    const withMux = media.rtcp.mux ? [...attributes, 'rtcp-mux'] : attributes;
    return this.write(formatsOf(chosen), direction, { protocol: media.protocol, attributes: withMux, answering: { offered, audioIndex } });
  }

  /** Within a call, a stream that is switched off by port 0 (RFC 3264 §8.2), as some do for hold: it may come back. */
  private answerWithoutAudio(offered: readonly SdpMedia[]): string {
    if (!this.remote || !offered.some((line) => line.kind === 'audio' && line.port === 0)) throw new SdpError('the offer has no RTP audio stream');
    this.remote = { ...this.remote, port: 0, direction: 'inactive' };
    this.session.setRemote(this.remote);
    return this.write([], 'inactive', { answering: { offered, audioIndex: -1 } });
  }

  /** The audio line that we can best answer: with a codec of ours, protected as our policy likes; the first of equals. -1: none. */
  private bestAudio(offered: readonly SdpMedia[]): number {
    const audio = offered.map((line, index) => ({ index, line })).filter(({ line }) => line.kind === 'audio' && line.port !== 0 && isRtp(line.protocol));
    const rated = audio.map(({ index, line }) => ({ index, speaks: Number(chooseAudio(line, this.codecs) !== undefined), suits: this.sdes.suitability(line) }));
    return rated.sort((a, b) => b.speaks - a.speaks || b.suits - a.suits)[0]?.index ?? -1;
  }

  private choose(media: SdpMedia): ChosenAudio {
    const chosen = chooseAudio(media, this.codecs);
    if (!chosen) throw new SdpError(`no common codec: we speak ${this.codecs.join(', ')}`);
    return chosen;
  }

  private apply(media: SdpMedia, { codec, telephoneEvent }: ChosenAudio, ours: ReceiveFormats, agreed: { direction: MediaDirection; srtp: SrtpParameters | undefined }): void {
    if (media.address === undefined) throw new SdpError('no c= line with an IP address for the audio stream');
    const ptimeMs = wantedPtimeMs(media, codec);
    this.remote = {
      address: media.address, port: media.port, direction: agreed.direction, codec, receive: receivable(ours, understood(media)),
      ...(telephoneEvent === undefined ? {} : { telephoneEvent }), ...(ptimeMs === undefined ? {} : { ptimeMs }),
      ...(media.rtcp.mux || media.rtcp.port !== undefined ? { rtcp: media.rtcp } : {}), ...(agreed.srtp ? { srtp: agreed.srtp } : {}),
    };
    this.session.setRemote(this.remote);
  }

  private write(formats: readonly FormatToWrite[], direction: MediaDirection, more: Pick<SdpToWrite, 'protocol' | 'attributes' | 'answering'>): string {
    this.version++;
    return writeSdp({ sessionId: this.sessionId, version: this.version, ...this.session.local, formats, direction, ...more });
  }
}

const formatsOf = ({ codec, comfortNoise, telephoneEvent }: ChosenAudio): FormatToWrite[] => [
  writeAudioFormat(codec), ...(comfortNoise === undefined ? [] : [writeComfortNoise(comfortNoise)]), ...(telephoneEvent === undefined ? [] : [writeEventFormat(telephoneEvent)]),
];

const isRtp = (protocol: string): boolean => isSavp(protocol) || isPlainAvp(protocol);

/** What we do, given what the far end says it does. A hold by null address only listens to us no more. */
function localDirection(media: SdpMedia): MediaDirection {
  const direction = mirrored[media.direction];
  if (!HOLD_ADDRESSES.has(media.address ?? '')) return direction;
  return direction === 'sendrecv' ? 'recvonly' : direction === 'sendonly' ? 'inactive' : direction;
}
