import type { CodecName } from '@dialfleet/call';
import { type AudioCodec, type AudioFormat, COMFORT_NOISE_PAYLOAD_TYPE, type EventFormat, type ReceiveFormats, SAMPLE_RATE_HZ } from '@dialfleet/media';
import { audioCodecs, isCodecName } from '../../codecs/audio-codecs.js';
import type { SdpFormat, SdpMedia } from './sdp.js';
import type { FormatToWrite } from './sdp-writer.js';

/** All of a media line that is audio to us. */
export interface UnderstoodFormats {
  /** In the line's order. */
  audio: (AudioFormat & { name: CodecName })[];
  telephoneEvents: EventFormat[];
  /** Payload types of comfort noise (RFC 3389). */
  comfortNoise: number[];
}

/** What both ends can do, seen from ours. */
export interface ChosenAudio {
  codec: AudioFormat & { name: CodecName };
  telephoneEvent: EventFormat | undefined;
  comfortNoise: number | undefined;
}

const codecNames = Object.keys(audioCodecs).filter(isCodecName);
const MIN_PTIME_MS = 10;
const MAX_PTIME_MS = 60;

/** Reads the formats of a line, whoever chose their payload types. */
export function understood(media: SdpMedia): UnderstoodFormats {
  const formats: UnderstoodFormats = { audio: [], telephoneEvents: [], comfortNoise: [] };
  for (const format of media.formats) {
    const name = format.map?.name.toLowerCase();
    const codec = codecOf(format);
    if (codec) formats.audio.push(audioFormat(codec, format));
    else if (name === 'telephone-event' && format.map) formats.telephoneEvents.push({ payloadType: format.payloadType, clockRateHz: format.map.clockRateHz });
    else if (name === 'cn' ? format.map?.clockRateHz === SAMPLE_RATE_HZ : !format.map && format.payloadType === COMFORT_NOISE_PAYLOAD_TYPE) formats.comfortNoise.push(format.payloadType);
  }
  return formats;
}

function audioFormat(name: CodecName, { payloadType, parameters }: SdpFormat): AudioFormat & { name: CodecName } {
  return { name, payloadType, clockRateHz: audioCodecs[name].clockRateHz, ...(Object.keys(parameters).length > 0 ? { parameters } : {}) };
}

function codecOf({ payloadType, map }: SdpFormat): CodecName | undefined {
  return codecNames.find((name) => {
    const codec: AudioCodec = audioCodecs[name];
    return map ? map.name.toLowerCase() === name.toLowerCase() && isMapOf(map, codec) : codec.staticPayloadType === payloadType;
  });
}

/** The channels of a speech codec are often left out. Some write what G.722 samples at, 16000, in place of its RTP clock. */
function isMapOf(map: { clockRateHz: number; channels: number }, codec: AudioCodec): boolean {
  const isRate = map.clockRateHz === codec.clockRateHz || (codec === audioCodecs.G722 && map.clockRateHz === 16_000);
  return isRate && (map.channels === codec.channels || map.channels === 1);
}

/** The far end's first codec that is also ours (RFC 3264 §6.1, its order of preference), with what goes with it. */
export function chooseAudio(media: SdpMedia, codecs: readonly CodecName[]): ChosenAudio | undefined {
  const { audio, telephoneEvents, comfortNoise } = understood(media);
  const codec = audio.find(({ name }) => codecs.includes(name));
  if (!codec) return undefined;
  return { codec, telephoneEvent: eventFor(codec.clockRateHz, telephoneEvents), comfortNoise: codec.clockRateHz === SAMPLE_RATE_HZ ? comfortNoise.at(0) : undefined };
}

/** At the clock of the audio (RFC 4733 §2.1); browsers and some others have it at 8 kHz only, whatever they speak. */
const eventFor = (clockRateHz: number, events: readonly EventFormat[]): EventFormat | undefined =>
  events.find((event) => event.clockRateHz === clockRateHz) ?? events.find((event) => event.clockRateHz === SAMPLE_RATE_HZ) ?? events.at(0);

/** How much audio we put into a packet, as the far end wants it (RFC 8866 §6.4, §6.5); `undefined`: it does not say. */
export function wantedPtimeMs(media: SdpMedia, codec: AudioFormat): number | undefined {
  const least = Number(codec.parameters?.minptime ?? 0) || 0;
  if (media.ptimeMs === undefined && media.maxptimeMs === undefined && least <= 20) return undefined;
  const wanted = Math.min(Math.max(media.ptimeMs ?? 20, least), media.maxptimeMs ?? Infinity);
  return Math.min(MAX_PTIME_MS, Math.max(MIN_PTIME_MS, wanted));
}

/** What may arrive: by the numbers that we gave, and by the far end's own, which some use both ways. */
export function receivable(ours: ReceiveFormats, theirs: UnderstoodFormats): ReceiveFormats {
  const taken = new Set([...ours.audio, ...ours.telephoneEvents].map(({ payloadType }) => payloadType));
  const isFree = ({ payloadType }: { payloadType: number }): boolean => !taken.has(payloadType);
  return {
    audio: [...ours.audio, ...theirs.audio.filter(isFree)], telephoneEvents: [...ours.telephoneEvents, ...theirs.telephoneEvents.filter(isFree)],
    comfortNoise: theirs.comfortNoise.filter((payloadType) => !taken.has(payloadType)),
  };
}

export const writeAudioFormat = ({ name, payloadType }: { name: CodecName; payloadType: number }): FormatToWrite => {
  const { clockRateHz, channels, parameters }: AudioCodec = audioCodecs[name];
  return { payloadType, rtpmap: `${name}/${clockRateHz}${channels > 1 ? `/${channels}` : ''}`, ...(parameters === undefined ? {} : { fmtp: parameters }) };
};

export const writeEventFormat = ({ payloadType, clockRateHz }: EventFormat): FormatToWrite => ({ payloadType, rtpmap: `telephone-event/${clockRateHz}`, fmtp: '0-15' });

export const writeComfortNoise = (payloadType: number): FormatToWrite => ({ payloadType, rtpmap: `CN/${SAMPLE_RATE_HZ}` });
