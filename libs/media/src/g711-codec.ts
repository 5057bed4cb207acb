import type { AudioCodec } from './audio-codec.js';
import { decodeG711, encodeG711, type G711Law, G711_PAYLOAD_TYPE } from './g711.js';

const g711Codec = (law: G711Law): AudioCodec => ({
  clockRateHz: 8000, channels: 1, staticPayloadType: G711_PAYLOAD_TYPE[law], stateless: true, packetDurationsMs: [10, 20, 30, 40, 50, 60],
  createEncoder: () => ({
    encode: (pcm, out, offset) => {
      encodeG711(law, pcm, out, offset);
      return pcm.length;
    },
  }),
  createDecoder: () => ({ samplesIn: (payload) => payload.length, decode: (payload) => decodeG711(law, payload) }),
});

export const pcmuCodec = g711Codec('PCMU');
export const pcmaCodec = g711Codec('PCMA');
