/** Equipment impairment and robustness against random loss of a codec (ITU-T G.113 Appendix I). */
interface CodecImpairment { ie: number; bpl: number }

/** G.711 with concealment. G.722 is heard at 8 kHz here; Opus in its speech modes is close to it in published tests. */
const CODECS: Readonly<Record<string, CodecImpairment>> = {
  PCMU: { ie: 0, bpl: 25.1 }, PCMA: { ie: 0, bpl: 25.1 }, G722: { ie: 0, bpl: 25.1 }, OPUS: { ie: 3, bpl: 20 },
};
const UNKNOWN_CODEC: CodecImpairment = { ie: 11, bpl: 19 };

/** Rating with all of G.107's default values and no delay, loss or codec. */
const BEST_RATING = 93.2;

export interface HeardQuality {
  /** SDP name; case does not matter. */
  codec: string;
  /** Of the packets expected: lost, or too late to be played. 0 to 1. */
  lossShare: number;
  /** From mouth to ear: half the round trip, packetisation, jitter buffer. */
  oneWayDelayMs: number;
}

/**
 * Mean opinion score, 1 to 4.5, estimated by the E-model (ITU-T G.107, simplified: default noise and echo, random loss).
 * Says what the network and the codec leave of the quality, not how the voice sounds.
 */
export function estimateMos({ codec, lossShare, oneWayDelayMs }: HeardQuality): number {
  const { ie, bpl } = CODECS[codec.toUpperCase()] ?? UNKNOWN_CODEC;
  const lossPercent = 100 * Math.min(1, Math.max(0, lossShare));
  const delayMs = Math.max(0, oneWayDelayMs);
  const delayImpairment = 0.024 * delayMs + (delayMs > 177.3 ? 0.11 * (delayMs - 177.3) : 0);
  const equipmentImpairment = ie + (95 - ie) * (lossPercent / (lossPercent + bpl));
  return mosOfRating(BEST_RATING - delayImpairment - equipmentImpairment);
}

/** G.107 Annex B. Its polynomial dips below 1 for the lowest ratings. */
export function mosOfRating(rating: number): number {
  if (rating >= 100) return 4.5;
  if (rating <= 0) return 1;
  return Math.max(1, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6);
}
