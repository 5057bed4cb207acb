import { type AudioCodec, type AudioDecoder, type AudioEncoder, SAMPLES_PER_MS } from '@dialfleet/media';
import { libopus, type OpusEncoderSettings } from './libopus.js';
import { opusPacketSamples } from './opus-packet.js';

const DEFAULT_BITS_PER_SECOND = 24_000;
const MIN_BITS_PER_SECOND = 6000;
/** Of 10: narrowband speech sounds the same above, and costs half as much again. */
const COMPLEXITY = 5;
/** What redundancy is made for where the far end can use it. */
const EXPECTED_LOSS_PERCENT = 10;

/**
 * Opus (RFC 6716, RFC 7587) as far as a telephone pipeline hears it: narrowband, mono. The far end is told so, and saves
 * itself the rest of the spectrum.
 */
export const opusCodec: AudioCodec = {
  clockRateHz: 48_000, channels: 2, stateless: false, packetDurationsMs: [10, 20, 40, 60],
  parameters: 'maxplaybackrate=8000;sprop-maxcapturerate=8000;stereo=0;useinbandfec=1',
  createEncoder: (parameters) => newEncoder(settingsOf(parameters)),
  createDecoder: newDecoder,
};

/** RFC 7587 §6.1. */
function settingsOf(parameters: Readonly<Record<string, string>>): OpusEncoderSettings {
  const limit = Number(parameters.maxaveragebitrate);
  return {
    bitsPerSecond: Math.max(MIN_BITS_PER_SECOND, limit > 0 ? Math.min(limit, DEFAULT_BITS_PER_SECOND) : DEFAULT_BITS_PER_SECOND),
    complexity: COMPLEXITY, expectedLossPercent: parameters.useinbandfec === '1' ? EXPECTED_LOSS_PERCENT : 0, constantBitRate: parameters.cbr === '1',
  };
}

/** Coders whose call ended without closing them. */
const forgotten = new FinalizationRegistry<number>((coder) => { libopus().free(coder); });

function newEncoder(settings: OpusEncoderSettings): AudioEncoder {
  const encoder = libopus().newEncoder(settings);
  const owner: AudioEncoder = {
    encode: (pcm, out, offset) => libopus().encode(encoder, pcm, out, offset),
    close: () => {
      forgotten.unregister(owner);
      libopus().free(encoder);
    },
  };
  forgotten.register(owner, encoder, owner);
  return owner;
}

const NO_SOUND = new Int16Array(0);
const WARM_UP_FRAMES = 5;

/**
 * Has libopus compiled, and what a call needs of it run once: 20 to 40 ms that would otherwise be missing in the middle of all
 * calls of the thread when the first with Opus begins. Throws Error where there is no WebAssembly.
 */
export function warmUpOpus(): void {
  const encoder = opusCodec.createEncoder({ useinbandfec: '1' });
  const decoder = opusCodec.createDecoder();
  const packet = new Uint8Array(1_500);
  const pcm = Int16Array.from({ length: 20 * SAMPLES_PER_MS }, (_, i) => 8_000 * Math.sin(i / 5));
  for (let frame = 0; frame < WARM_UP_FRAMES; frame++) decoder.decode(packet.subarray(0, encoder.encode(pcm, packet, 0)));
  decoder.conceal?.(pcm.length, null);
  encoder.close?.();
  decoder.close?.();
}

function newDecoder(): AudioDecoder {
  const decoder = libopus().newDecoder();
  const owner: AudioDecoder = {
    samplesIn: opusPacketSamples,
    decode: (payload) => libopus().decode(decoder, payload) ?? NO_SOUND,
    conceal: (samples, next) => libopus().conceal(decoder, samples, next),
    close: () => {
      forgotten.unregister(owner);
      libopus().free(decoder);
    },
  };
  forgotten.register(owner, decoder, owner);
  return owner;
}
