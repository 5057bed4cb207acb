import { SAMPLES_PER_MS } from '@dialfleet/media';

/** Frame durations by `config` of the TOC byte (RFC 6716 §3.1, Table 2): SILK 0–11, hybrid 12–15, CELT 16–31. */
const SILK_MS = [10, 20, 40, 60] as const;
const HYBRID_MS = [10, 20] as const;
const CELT_MS = [2.5, 5, 10, 20] as const;
/** RFC 6716 §3.2.5, R5. */
const MAX_PACKET_MS = 120;

/** Samples at 8 kHz in a packet, by its first bytes (RFC 6716 §3); 0: not an Opus packet. */
export function opusPacketSamples(packet: Uint8Array): number {
  const frames = frameCount(packet);
  const durationMs = frames * frameMs(packet[0] >> 3);
  return frames > 0 && durationMs <= MAX_PACKET_MS ? durationMs * SAMPLES_PER_MS : 0;
}

function frameMs(config: number): number {
  if (config < 12) return SILK_MS[config & 3];
  return config < 16 ? HYBRID_MS[config & 1] : CELT_MS[config & 3];
}

function frameCount(packet: Uint8Array): number {
  if (packet.length === 0) return 0;
  const code = packet[0] & 3;
  if (code === 0) return 1;
  if (code < 3) return 2;
  return packet.length > 1 ? packet[1] & 0x3f : 0;
}
