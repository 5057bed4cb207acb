import type { CodecName } from '@dialfleet/call';
import { type AudioCodec, type AudioFormat, COMFORT_NOISE_PAYLOAD_TYPE, type EventFormat, SAMPLE_RATE_HZ } from '@dialfleet/media';
import { audioCodecs } from '../../codecs/audio-codecs.js';
import type { UnderstoodFormats } from './audio-formats.js';

const FIRST_DYNAMIC_TYPE = 96;
const FIRST_EVENT_TYPE = 101;
const LAST_DYNAMIC_TYPE = 127;

/**
 * The payload types that we give to formats in one session. They never change their meaning (RFC 3264 §8.3.2), and where
 * the far end offered first they are its own.
 */
export class PayloadTypes {
  private readonly byFormat = new Map<string, number>();

  /** Takes over the far end's numbers where we have not given any yet. */
  adopt({ audio, telephoneEvents }: UnderstoodFormats): void {
    for (const { name, payloadType } of audio) this.keep(name, payloadType);
    for (const { clockRateHz, payloadType } of telephoneEvents) this.keep(eventKey(clockRateHz), payloadType);
  }

  audio(name: CodecName): AudioFormat & { name: CodecName } {
    const { clockRateHz, staticPayloadType }: AudioCodec = audioCodecs[name];
    return { name, clockRateHz, payloadType: this.typeOf(name, staticPayloadType ?? FIRST_DYNAMIC_TYPE) };
  }

  /** telephone-event at every clock rate of `codecs`, and at 8 kHz, which all understand (RFC 4733 §2.1). */
  events(codecs: readonly CodecName[]): EventFormat[] {
    const rates = new Set([...codecs.map((name) => audioCodecs[name].clockRateHz), SAMPLE_RATE_HZ]);
    return [...rates].sort((a, b) => a - b).map((clockRateHz) => ({ clockRateHz, payloadType: this.typeOf(eventKey(clockRateHz), FIRST_EVENT_TYPE) }));
  }

  private keep(key: string, payloadType: number): void {
    if (!this.byFormat.has(key) && !this.isTaken(payloadType)) this.byFormat.set(key, payloadType);
  }

  private typeOf(key: string, preferred: number): number {
    const known = this.byFormat.get(key);
    if (known !== undefined) return known;
    let payloadType = preferred;
    while (this.isTaken(payloadType)) payloadType = payloadType >= LAST_DYNAMIC_TYPE || payloadType < FIRST_DYNAMIC_TYPE ? FIRST_DYNAMIC_TYPE : payloadType + 1;
    this.byFormat.set(key, payloadType);
    return payloadType;
  }

  private isTaken(payloadType: number): boolean { return payloadType === COMFORT_NOISE_PAYLOAD_TYPE || [...this.byFormat.values()].includes(payloadType); }
}

const eventKey = (clockRateHz: number): string => `telephone-event/${clockRateHz}`;
