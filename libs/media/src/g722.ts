/**
 * G.722 (ITU-T) at 64 kbit/s: two sub-bands of 16 kHz audio by ADPCM, 6 bits for the lower and 2 for the upper.
 * Names follow the recommendation's blocks and signals; the arithmetic is its 16 bit fixed point.
 */

/** Multipliers of the quantiser's decision levels, 6 bit (Q6). */
const Q6 = Int16Array.of(
  0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714,
  786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
);
/** Code words for negative and positive differences by decision interval (ILN, ILP). */
const ILN = Uint8Array.of(0, 63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4);
const ILP = Uint8Array.of(0, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32);
/** Quantised values by code: 4 bits for the predictor, 6 bits for the output (QQ4 and QQ6 with their signs). */
const QM4 = Int16Array.of(0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0);
const QM6 = Int16Array.of(
  -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856,
  -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040, -728,
  24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
  4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
);
const QM2 = Int16Array.of(-7408, -1616, 7408, 1616);
/** Logarithmic scale factor multipliers by code (WL by RL42, WH by IH2). */
const WL_BY_IL4 = Int16Array.of(-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60);
const WH_BY_IH = Int16Array.of(798, -214, 798, -214);
/** 2048 · 2^(i/32): log to linear (ILB). */
const ILB = Int16Array.from({ length: 32 }, (_, i) => Math.round(2048 * 2 ** (i / 32)));
/** Half of the 24 symmetric taps of the quadrature mirror filters (H). */
const QMF = Int16Array.of(3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11);
const QMF_TAPS = 24;
/** Decision level of the upper band, of two. */
const Q2 = 564;

const MAX_LOWER_LOG_SCALE = 18_432;
const MAX_UPPER_LOG_SCALE = 22_528;
/** Shift of the linear scale factor (SCALEL, SCALEH). */
const LOWER_SCALE_SHIFT = 8;
const UPPER_SCALE_SHIFT = 10;

/** Products here fit in 32 bits; `*` would look out for those that do not. */
const { imul } = Math;
const saturate = (value: number): number => (value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value);
/** `value`, or its opposite where `sign` is negative: a branch on the sign of sound would be guessed wrong every other time. */
const turned = (value: number, sign: number): number => (value ^ (sign >> 31)) - (sign >> 31);
const clamp = (value: number, limit: number): number => (value > limit ? limit : value < -limit ? -limit : value);

/** One sub-band's adaptive predictor and quantiser scale: the same in encoder and decoder. */
class SubBand {
  /** Predicted signal (s). */
  predicted = 0;
  /** Quantiser scale factor, linear (DET). */
  scale: number;
  private logScale = 0;
  /** Zero section's part of the prediction (SZ). */
  private zeroPart = 0;
  private a1 = 0;
  private a2 = 0;
  private readonly b = new Int32Array(6);
  /** Quantised differences, newest first. */
  private readonly d = new Int32Array(6);
  private r1 = 0;
  private p1 = 0;
  private p2 = 0;

  constructor(private readonly maxLogScale: number, private readonly scaleShift: number) { this.scale = maxLogScale === MAX_LOWER_LOG_SCALE ? 32 : 8; }

  /** Adapts the scale by the code's multiplier, then the predictor to the quantised difference (LOGSC, SCALE, then blocks 4). */
  adapt(difference: number, weight: number): void {
    const logScale = Math.min(this.maxLogScale, Math.max(0, (imul(this.logScale, 127) >> 7) + weight));
    this.logScale = logScale;
    const shift = this.scaleShift - (logScale >> 11);
    const mantissa = ILB[(logScale >> 6) & 31];
    this.scale = (shift < 0 ? mantissa << -shift : mantissa >> shift) << 2;
    this.predict(difference);
  }

  private predict(d0: number): void {
    const r0 = saturate(this.predicted + d0);
    const p0 = saturate(this.zeroPart + d0);
    this.adaptPoles(p0);
    const polePart = saturate((imul(this.a1, saturate(2 * r0)) >> 15) + (imul(this.a2, saturate(2 * this.r1)) >> 15));
    this.r1 = r0;
    this.p2 = this.p1;
    this.p1 = p0;
    const zeroPart = this.filterZeros(d0);
    this.zeroPart = zeroPart;
    this.predicted = saturate(polePart + zeroPart);
  }

  /** UPPOL2, UPPOL1. */
  private adaptPoles(p0: number): void {
    const withLast = p0 ^ this.p1;
    const toSecond = Math.min(32_767, turned(saturate(4 * this.a1), ~withLast)) >> 7;
    const a2 = clamp(turned(128, p0 ^ this.p2) + toSecond + (imul(this.a2, 32_512) >> 15), 12_288);
    const a1 = saturate(turned(192, withLast) + (imul(this.a1, 32_640) >> 15));
    this.a1 = clamp(a1, saturate(15_360 - a2));
    this.a2 = a2;
  }

  /** UPZERO, DELAYA for the differences and FILTEZ in one pass, from the oldest on. */
  private filterZeros(d0: number): number {
    const { b, d } = this;
    const step = d0 === 0 ? 0 : 128;
    let sum = 0;
    for (let i = 5; i >= 0; i--) {
      const newer = i === 0 ? d0 : d[i - 1];
      // Within 16 bits whatever comes: at −128 · 256 what it loses is what it gains.
      const weight = turned(step, d0 ^ d[i]) + (imul(b[i], 32_640) >> 15);
      b[i] = weight;
      d[i] = newer;
      sum += imul(weight, saturate(2 * newer)) >> 15;
    }
    return saturate(sum);
  }
}

const newLowerBand = (): SubBand => new SubBand(MAX_LOWER_LOG_SCALE, LOWER_SCALE_SHIFT);
const newUpperBand = (): SubBand => new SubBand(MAX_UPPER_LOG_SCALE, UPPER_SCALE_SHIFT);

export class G722Encoder {
  private readonly lower = newLowerBand();
  private readonly upper = newUpperBand();
  /** The last 22 input samples, oldest first. */
  private history = new Int32Array(QMF_TAPS - 2);

  /** Codes 16 kHz audio (an even number of samples), one byte a pair, into `out` from `offset` on; returns the bytes written. */
  encode(pcm: Int16Array, out: Uint8Array, offset = 0): number {
    const pairs = pcm.length >> 1;
    const samples = new Int32Array(QMF_TAPS - 2 + 2 * pairs);
    samples.set(this.history);
    samples.set(pcm.length % 2 === 0 ? pcm : pcm.subarray(0, 2 * pairs), QMF_TAPS - 2);
    for (let i = 0; i < pairs; i++) out[offset + i] = this.encodePair(samples, 2 * i);
    this.history = samples.slice(2 * pairs);
    return pairs;
  }

  private encodePair(samples: Int32Array, from: number): number {
    let odd = 0;
    let even = 0;
    for (let i = 0; i < 12; i++) {
      odd += imul(samples[from + 2 * i], QMF[i]);
      even += imul(samples[from + 2 * i + 1], QMF[11 - i]);
    }
    return this.encodeUpper((even - odd) >> 14) << 6 | this.encodeLower((even + odd) >> 14);
  }

  private encodeLower(xl: number): number {
    const { lower } = this;
    const el = saturate(xl - lower.predicted);
    const magnitude = el >= 0 ? el : -(el + 1);
    const { scale } = lower;
    // The levels rise: which half of them first.
    let interval = magnitude >= imul(Q6[15], scale) >> 12 ? 16 : 1;
    while (interval < 30 && magnitude >= imul(Q6[interval], scale) >> 12) interval++;
    const code = el < 0 ? ILN[interval] : ILP[interval];
    lower.adapt(imul(lower.scale, QM4[code >> 2]) >> 15, WL_BY_IL4[code >> 2]);
    return code;
  }

  private encodeUpper(xh: number): number {
    const { upper } = this;
    const eh = saturate(xh - upper.predicted);
    const magnitude = eh >= 0 ? eh : -(eh + 1);
    const isOuter = magnitude >= imul(Q2, upper.scale) >> 12;
    const code = (eh < 0 ? 0 : 2) + (isOuter ? 0 : 1);
    upper.adapt(imul(upper.scale, QM2[code]) >> 15, WH_BY_IH[code]);
    return code;
  }
}

export class G722Decoder {
  private readonly lower = newLowerBand();
  private readonly upper = newUpperBand();
  /** Sums and differences of the bands, oldest first. */
  private history = new Int32Array(QMF_TAPS - 2);

  /** 16 kHz audio, two samples a byte. */
  decode(codes: Uint8Array): Int16Array {
    const bands = new Int32Array(QMF_TAPS - 2 + 2 * codes.length);
    bands.set(this.history);
    const pcm = new Int16Array(2 * codes.length);
    for (let i = 0; i < codes.length; i++) {
      const rl = this.decodeLower(codes[i] & 0x3f);
      const rh = this.decodeUpper(codes[i] >> 6);
      bands[QMF_TAPS - 2 + 2 * i] = rl + rh;
      bands[QMF_TAPS - 1 + 2 * i] = rl - rh;
      joinBands(bands, pcm, 2 * i);
    }
    this.history = bands.slice(2 * codes.length);
    return pcm;
  }

  private decodeLower(code: number): number {
    const { lower } = this;
    const reconstructed = lower.predicted + (imul(lower.scale, QM6[code]) >> 15);
    lower.adapt(imul(lower.scale, QM4[code >> 2]) >> 15, WL_BY_IL4[code >> 2]);
    return clampTo15Bits(reconstructed);
  }

  private decodeUpper(code: number): number {
    const { upper } = this;
    const difference = imul(upper.scale, QM2[code]) >> 15;
    const reconstructed = upper.predicted + difference;
    upper.adapt(difference, WH_BY_IH[code]);
    return clampTo15Bits(reconstructed);
  }
}

/** The receiving quadrature mirror filter: two output samples out of 24 sums and differences. */
function joinBands(bands: Int32Array, pcm: Int16Array, at: number): void {
  let first = 0;
  let second = 0;
  for (let i = 0; i < 12; i++) {
    second += imul(bands[at + 2 * i], QMF[i]);
    first += imul(bands[at + 2 * i + 1], QMF[11 - i]);
  }
  pcm[at] = saturate(first >> 11);
  pcm[at + 1] = saturate(second >> 11);
}

/** LIMIT. */
const clampTo15Bits = (value: number): number => (value > 16_383 ? 16_383 : value < -16_384 ? -16_384 : value);
