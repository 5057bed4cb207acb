/** −6 dB point as a part of the lower Nyquist frequency: 3.7 kHz of 4. */
const CUTOFF = 0.925;
/** A Kaiser-windowed filter: its half length in periods of the lower sample rate, which is its delay and its cost, and the window's β. */
export interface ResamplerQuality { halfLengthPeriods: number; beta: number }
/** About 80 dB of stop band, from 4.06 kHz of 4 on. */
const FINE: ResamplerQuality = { halfLengthPeriods: 28, beta: 7.9 };
/** About 60 dB, from the same place on: enough for a codec with noise of its own, at two thirds of the cost. */
export const COARSE: ResamplerQuality = { halfLengthPeriods: 20, beta: 5.65 };
const MAX_PHASES = 1024;

/**
 * Changes the sample rate of a stream by a rational factor with a polyphase FIR low-pass (Kaiser-windowed sinc).
 * The output is aligned with the input: no leading silence, and `flush()` completes the last samples. Mono.
 */
export class Resampler {
  private readonly up: number;
  private readonly down: number;
  /** Filter half length in input samples. */
  private readonly half: number;
  /** phases[p][k]: weight of the input sample k − half + 1 away from the output's place. */
  private readonly phases: Float64Array[];
  private history = new Float64Array(0);
  /** Position of history[0] in the input. */
  private historyStart: number;
  private inputSamples = 0;
  private outputSamples = 0;

  /** @throws RangeError for rates that are not positive integers or have no small common ratio. */
  constructor(fromHz: number, toHz: number, private readonly quality: ResamplerQuality = FINE) {
    if (!isRate(fromHz) || !isRate(toHz)) throw new RangeError('sample rates are positive integers');
    const divisor = greatestCommonDivisor(fromHz, toHz);
    this.up = toHz / divisor;
    this.down = fromHz / divisor;
    if (this.up > MAX_PHASES) throw new RangeError(`cannot resample ${fromHz} Hz to ${toHz} Hz`);
    this.half = Math.ceil(quality.halfLengthPeriods * Math.max(1, this.down / this.up));
    this.phases = this.up === this.down ? [] : Array.from({ length: this.up }, (_, phase) => this.phaseWeights(phase));
    this.historyStart = -this.half;
    this.history = new Float64Array(this.half);
  }

  /** How many samples of input `push` keeps for later. */
  get latencySamples(): number { return this.phases.length === 0 ? 0 : this.half; }

  /** The output that `pcm` completes; keeps what the next block needs. */
  push(pcm: Int16Array): Int16Array {
    if (this.phases.length === 0) return pcm.slice();
    this.append(pcm);
    this.inputSamples += pcm.length;
    // Output n needs input up to floor(n · down / up) + half.
    const complete = Math.max(0, Math.ceil(((this.inputSamples - this.half) * this.up) / this.down));
    return this.produce(complete);
  }

  /** What is still owed after the last `push`; the resampler then starts a new stream. */
  flush(): Int16Array {
    if (this.phases.length === 0) return new Int16Array(0);
    this.append(new Int16Array(this.half + 1));
    const rest = this.produce(Math.round((this.inputSamples * this.up) / this.down));
    this.history = new Float64Array(this.half);
    this.historyStart = -this.half;
    this.inputSamples = 0;
    this.outputSamples = 0;
    return rest;
  }

  private produce(upTo: number): Int16Array {
    const out = new Int16Array(Math.max(0, upTo - this.outputSamples));
    for (let i = 0; i < out.length; i++) out[i] = this.sampleAt(this.outputSamples + i);
    this.outputSamples += out.length;
    this.forget();
    return out;
  }

  private sampleAt(output: number): number {
    const place = output * this.down;
    const weights = this.phases[place % this.up];
    const first = Math.floor(place / this.up) - this.half + 1 - this.historyStart;
    const { history } = this;
    // Two sums do not wait for each other: half the time. The filter's length is even.
    let even = 0;
    let odd = 0;
    for (let k = 0; k < weights.length; k += 2) {
      even += weights[k] * history[first + k];
      odd += weights[k + 1] * history[first + k + 1];
    }
    return Math.max(-32768, Math.min(32767, Math.round(even + odd)));
  }

  private phaseWeights(phase: number): Float64Array {
    const cutoff = CUTOFF * Math.min(1, this.up / this.down);
    const weights = Float64Array.from({ length: 2 * this.half }, (_, k) => {
      const distance = k - this.half + 1 - phase / this.up;
      return cutoff * sinc(cutoff * distance) * kaiser(distance / this.half, this.quality.beta);
    });
    // Unity gain at 0 Hz in every phase: otherwise a constant would get a ripple at the output rate.
    const gain = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / gain);
  }

  private append(pcm: Int16Array): void {
    const joined = new Float64Array(this.history.length + pcm.length);
    joined.set(this.history);
    joined.set(pcm, this.history.length);
    this.history = joined;
  }

  private forget(): void {
    const firstNeeded = Math.floor((this.outputSamples * this.down) / this.up) - this.half + 1;
    const drop = Math.min(this.history.length, Math.max(0, firstNeeded - this.historyStart));
    this.history = this.history.slice(drop);
    this.historyStart += drop;
  }
}

/** A whole recording at another rate: `round(length · toHz / fromHz)` samples. */
export function resample(pcm: Int16Array, fromHz: number, toHz: number): Int16Array {
  const resampler = new Resampler(fromHz, toHz);
  const head = resampler.push(pcm);
  const tail = resampler.flush();
  const out = new Int16Array(head.length + tail.length);
  out.set(head);
  out.set(tail, head.length);
  return out;
}

const isRate = (hz: number): boolean => Number.isInteger(hz) && hz > 0;
const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));
const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const kaiser = (x: number, beta: number): number => (Math.abs(x) >= 1 ? 0 : besselI0(beta * Math.sqrt(1 - x * x)) / besselI0(beta));

/** Modified Bessel function of the first kind, order zero, by its power series. */
function besselI0(x: number): number {
  let sum = 1;
  for (let term = 1, k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
