import type { AudioCodec } from './audio-codec.js';
import { SAMPLE_RATE_HZ } from './frame.js';
import { G722Decoder, G722Encoder } from './g722.js';
import { COARSE, Resampler } from './resampler.js';

/** G.722 codes audio of twice the pipeline's rate; its RTP clock is 8 kHz by an old mistake (RFC 3551 §4.5.2). One byte is 1/8 ms. */
const WIDE_RATE_HZ = 16_000;

export const g722Codec: AudioCodec = {
  clockRateHz: 8000, channels: 1, staticPayloadType: 9, stateless: false, packetDurationsMs: [10, 20, 30, 40, 50, 60],
  createEncoder: () => {
    const encoder = new G722Encoder();
    const resampler = steady(SAMPLE_RATE_HZ, WIDE_RATE_HZ);
    return { encode: (pcm, out, offset) => encoder.encode(resampler.push(pcm), out, offset) };
  },
  createDecoder: () => {
    const decoder = new G722Decoder();
    const resampler = steady(WIDE_RATE_HZ, SAMPLE_RATE_HZ);
    return { samplesIn: (payload) => payload.length, decode: (payload) => resampler.push(decoder.decode(payload)) };
  },
};

/** A resampler that gives as much as it takes from the first block on, 2.5 ms late. */
function steady(fromHz: number, toHz: number): Resampler {
  const resampler = new Resampler(fromHz, toHz, COARSE);
  resampler.push(new Int16Array(resampler.latencySamples));
  return resampler;
}
