import { FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE_HZ } from './frame.js';
import { timestampDelta } from './rtp-packet.js';

/**
 * One packet more than the least. With 20 ms, 30 streams between processes on two cores with five times the work they can
 * do had 1.2 gaps a minute each without any network, and 2.4 with 20 ms of network jitter; with 40 ms none and 0.3. It also
 * lets most swapped packets in, and has the packet after a lost one here when its redundancy is wanted. A caller does not
 * notice 20 ms more before an answer that takes half a second.
 */
const MIN_DELAY_MS = 40;
/** Power of two, so that RTP timestamps index it across their own wrap. About one second. */
const RING_SAMPLES = 8192;
/** A packet this far behind playout is a new clock of the sender, not a late packet. */
const CLOCK_JUMP_SAMPLES = SAMPLE_RATE_HZ;
/** After so many missing frames (200 ms) the next packet starts afresh: the sender may have stopped its clock. */
const STARVED_FRAMES = 10;
/** So many late packets in a row, and the playout position is wrong, not the network. */
const LATE_RUN_LIMIT = 5;
const GROW_WINDOW_FRAMES = 50;
const SHRINK_WINDOW_FRAMES = 100;
/** Surplus delay that is dropped even from the middle of speech. */
const FORCED_SHRINK_SAMPLES = 15 * FRAME_SAMPLES;
const QUIET_PEAK = 400;
/** How a lost frame repeats the last good one: fading, then silence. */
const CONCEALMENT_GAIN = [0.75, 0.5, 0.25] as const;

export interface JitterBufferOptions { minDelayMs?: number; maxDelayMs?: number }

/** Where sound comes from that was not pushed: a codec with history decodes when its packets are due, in order. */
export interface DueSound {
  /** Fills in everything before `until` that has been placed. */
  supply(until: number): void;
  /** Sound in place of `samples` from `rtpTimestamp` on that did not come; `null`: nothing better than repeating. */
  conceal(rtpTimestamp: number, samples: number): Int16Array | null;
}

/**
 * Puts audio back into the sender's order and rhythm. `push` when a packet arrives, `pull` once every 20 ms.
 *
 * Samples are placed by RTP timestamp, so packets of any length, reordered ones and those between telephone events fall
 * into place. The delay starts at `minDelayMs`, grows when packets come too late and shrinks in pauses of speech.
 */
export class JitterBuffer {
  private readonly ring = new Int16Array(RING_SAMPLES);
  private readonly filled = new Uint8Array(RING_SAMPLES);
  private readonly minDelaySamples: number;
  private readonly maxGrowthSamples: number;
  private readonly lastGood = new Int16Array(FRAME_SAMPLES);
  /** RTP timestamp of the next sample to play; `null` before the first packet. */
  private cursor: number | null = null;
  private grownSamples = 0;
  private surplusSamples = 0;
  private lostFrames = 0;
  private lateRun = 0;
  private lateInWindow = 0;
  private frames = 0;
  /** How far ahead of playout the least early packet of the window came. */
  private leastAhead = Infinity;
  /** How often playout began at a new place: what was placed before may be far from it. */
  starts = 0;

  constructor({ minDelayMs = MIN_DELAY_MS, maxDelayMs = 200 }: JitterBufferOptions = {}, private readonly due?: DueSound) {
    this.minDelaySamples = Math.round(minDelayMs / FRAME_MS) * FRAME_SAMPLES;
    this.maxGrowthSamples = Math.round(maxDelayMs / FRAME_MS) * FRAME_SAMPLES - this.minDelaySamples;
  }

  /** `false`: all of it came too late to be played. */
  push(rtpTimestamp: number, pcm: Int16Array): boolean {
    const inTime = pcm.length > 0 && this.place(rtpTimestamp, pcm.length);
    if (inTime) this.fill(rtpTimestamp, pcm);
    return inTime;
  }

  /** A packet of so many samples has come; its sound is filled in by the time it is due. `false`: too late to be played. */
  place(rtpTimestamp: number, samples: number): boolean {
    if (samples > RING_SAMPLES / 2) return false;
    if (this.cursor === null || this.lostFrames >= STARVED_FRAMES) this.startAt(rtpTimestamp);
    let ahead = this.aheadOf(rtpTimestamp);
    if (ahead < -CLOCK_JUMP_SAMPLES || ahead + samples > RING_SAMPLES) {
      this.startAt(rtpTimestamp);
      ahead = this.aheadOf(rtpTimestamp);
    }
    this.leastAhead = Math.min(this.leastAhead, ahead);
    if (ahead >= 0) this.lateRun = 0;
    else if (this.makeRoom(rtpTimestamp)) ahead = this.aheadOf(rtpTimestamp);
    return ahead + samples > 0;
  }

  /** The sound of a packet that was placed; what is before the playout position is dropped. */
  fill(rtpTimestamp: number, pcm: Int16Array): void {
    const ahead = this.aheadOf(rtpTimestamp);
    for (let i = Math.max(0, -ahead); i < Math.min(pcm.length, RING_SAMPLES - ahead); i++) {
      const at = (rtpTimestamp + i) & (RING_SAMPLES - 1);
      this.ring[at] = pcm[i];
      this.filled[at] = 1;
    }
  }

  /** The next 160 samples, concealed where packets are missing; `null` until the first packet has come. */
  pull(): Int16Array | null {
    if (this.cursor === null) return null;
    this.supply();
    this.adapt();
    const frame = this.take(this.cursor);
    this.cursor = (this.cursor + FRAME_SAMPLES) >>> 0;
    return frame;
  }

  /** Forgets the stream: the next packet starts a new one (another SSRC). */
  reset(): void {
    this.cursor = null;
    this.grownSamples = 0;
    this.lastGood.fill(0);
    this.filled.fill(0);
  }

  private supply(): void { this.due?.supply(((this.cursor as number) + FRAME_SAMPLES) >>> 0); }

  private aheadOf(rtpTimestamp: number): number { return timestampDelta(rtpTimestamp, this.cursor as number); }

  private startAt(rtpTimestamp: number): void {
    this.cursor = (rtpTimestamp - this.minDelaySamples - this.grownSamples) >>> 0;
    this.starts++;
    this.filled.fill(0);
    this.surplusSamples = 0;
    this.lostFrames = 0;
    this.lateRun = 0;
    this.leastAhead = Infinity;
  }

  /** A late packet: delay playout if lateness is a habit. One straggler is simply lost. */
  private makeRoom(rtpTimestamp: number): boolean {
    this.lateInWindow++;
    if (++this.lateRun >= LATE_RUN_LIMIT) {
      this.startAt(rtpTimestamp);
      return true;
    }
    const missing = Math.ceil(-this.aheadOf(rtpTimestamp) / FRAME_SAMPLES) * FRAME_SAMPLES;
    if (this.lateInWindow < 2 || this.grownSamples + missing > this.maxGrowthSamples) return false;
    this.lateInWindow = 0;
    this.moveCursor(-missing);
    return true;
  }

  private moveCursor(samples: number): void {
    this.cursor = ((this.cursor as number) + samples) >>> 0;
    this.leastAhead -= samples;
    this.grownSamples = Math.max(0, this.grownSamples - samples);
  }

  private adapt(): void {
    this.frames++;
    if (this.frames % GROW_WINDOW_FRAMES === 0) this.lateInWindow = 0;
    if (this.frames % SHRINK_WINDOW_FRAMES === 0) {
      const surplus = Number.isFinite(this.leastAhead) ? this.leastAhead - this.minDelaySamples : 0;
      this.surplusSamples = Math.max(0, Math.floor(surplus / FRAME_SAMPLES) * FRAME_SAMPLES);
      this.leastAhead = Infinity;
    }
    if (this.surplusSamples > FORCED_SHRINK_SAMPLES) this.skip(this.surplusSamples - FORCED_SHRINK_SAMPLES);
    else if (this.surplusSamples > 0 && this.isNextQuiet()) this.skip(FRAME_SAMPLES);
  }

  private isNextQuiet(): boolean {
    for (let i = 0; i < FRAME_SAMPLES; i++) {
      const at = ((this.cursor as number) + i) & (RING_SAMPLES - 1);
      if (this.filled[at] && Math.abs(this.ring[at]) > QUIET_PEAK) return false;
    }
    return true;
  }

  private skip(samples: number): void {
    for (let i = 0; i < samples; i++) this.filled[((this.cursor as number) + i) & (RING_SAMPLES - 1)] = 0;
    this.surplusSamples -= samples;
    this.moveCursor(samples);
    this.supply();
  }

  private take(from: number): Int16Array {
    const missingAtFirst = this.conceal(from);
    const frame = new Int16Array(FRAME_SAMPLES);
    const gain = CONCEALMENT_GAIN[this.lostFrames] ?? 0;
    let missing = 0;
    for (let i = 0; i < FRAME_SAMPLES; i++) {
      const at = (from + i) & (RING_SAMPLES - 1);
      if (this.filled[at]) frame[i] = this.ring[at];
      else {
        frame[i] = this.lastGood[i] * gain;
        missing++;
      }
      this.filled[at] = 0;
    }
    if (missingAtFirst === FRAME_SAMPLES) this.lostFrames++; else this.lostFrames = 0;
    // A copy: whoever gets the frame may change it, or move it to another thread.
    if (missing < FRAME_SAMPLES) this.lastGood.set(frame);
    return frame;
  }

  /** Lets the codec fill the gaps of the frame. Returns how many samples were missing. */
  private conceal(from: number): number {
    let missing = 0;
    for (let i = 0; i < FRAME_SAMPLES; i++) {
      const start = i;
      while (i < FRAME_SAMPLES && !this.filled[(from + i) & (RING_SAMPLES - 1)]) i++;
      if (i === start) continue;
      missing += i - start;
      const sound = this.due?.conceal((from + start) >>> 0, i - start);
      if (sound) this.fill((from + start) >>> 0, sound);
    }
    return missing;
  }
}
