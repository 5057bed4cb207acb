import { FRAME_MS, SAMPLE_RATE_HZ } from './frame.js';
import { timestampDelta } from './rtp-packet.js';

/** The telephone events of RFC 4733 §3.2 in code order: event code = index. */
const DIGITS = '0123456789*#ABCD';

export const TELEPHONE_EVENT_BYTES = 4;

/** Whether `digits` holds only what a telephone keypad can send (lower-case a–d allowed). */
export const isDtmf = (digits: string): boolean => /^[0-9*#A-D]*$/i.test(digits);

/** One RFC 4733 packet to send in place of audio. */
export interface DtmfPacket {
  /** First packet of the event: carries the marker bit and sets the timestamp that the others repeat. */
  first: boolean;
  payload: Uint8Array;
}

export interface DtmfSenderOptions { toneMs?: number; gapMs?: number }

interface Press { code: number; sentPackets: number }

const END_PACKETS = 3;
const VOLUME_DBM0 = 10;
const MAX_DURATION = 0xffff;

/**
 * Schedules key presses over playout frames: event packets of growing duration, then three with the End bit
 * (RFC 4733 §2.5.1.4), then a gap of silence. `next()` is called once a frame.
 */
export class DtmfSender {
  private readonly toneFrames: number;
  private readonly gapFrames: number;
  private readonly waiting: number[] = [];
  private press: Press | null = null;
  private gapLeft = 0;
  private pressesQueued = 0;
  /** Presses whose last packet is out. */
  pressesSent = 0;

  constructor({ toneMs = 160, gapMs = 80 }: DtmfSenderOptions = {}) {
    this.toneFrames = Math.max(2, Math.ceil(toneMs / 20));
    this.gapFrames = Math.ceil(gapMs / 20);
  }

  get isIdle(): boolean { return !this.press && this.gapLeft === 0 && this.waiting.length === 0; }

  /**
   * Returns the value that `pressesSent` has once the last of `digits` is out.
   * @throws RangeError when `digits` holds anything but 0–9, *, #, A–D.
   */
  queue(digits: string): number {
    if (!isDtmf(digits)) throw new RangeError('DTMF digits are 0-9, *, # and A-D');
    this.waiting.push(...[...digits.toUpperCase()].map((digit) => DIGITS.indexOf(digit)));
    this.pressesQueued += digits.length;
    return this.pressesQueued;
  }

  /** An event packet, `'gap'` (send silence) between digits, or `null` when nothing is to be sent. */
  next(clockRateHz: number = SAMPLE_RATE_HZ): DtmfPacket | 'gap' | null {
    if (this.gapLeft > 0) {
      this.gapLeft--;
      return 'gap';
    }
    if (!this.press) {
      const code = this.waiting.shift();
      if (code === undefined) return null;
      this.press = { code, sentPackets: 0 };
    }
    return this.eventPacket(this.press, clockRateHz);
  }

  private eventPacket(press: Press, clockRateHz: number): DtmfPacket {
    press.sentPackets++;
    const ended = press.sentPackets >= this.toneFrames;
    const durationMs = Math.min(press.sentPackets, this.toneFrames) * FRAME_MS;
    const duration = Math.min(MAX_DURATION, (durationMs * clockRateHz) / 1000);
    if (press.sentPackets === this.toneFrames + END_PACKETS - 1) {
      this.press = null;
      this.pressesSent++;
      this.gapLeft = this.gapFrames;
    }
    return {
      first: press.sentPackets === 1,
      payload: Uint8Array.of(press.code, (ended ? 0x80 : 0) | VOLUME_DBM0, duration >> 8, duration & 0xff),
    };
  }
}

interface HeardPress { code: number; rtpTimestamp: number; duration: number; ended: boolean }

/** A timestamp this far behind the last press is a new clock, not an old packet. */
const STALE_SECONDS = 10;

/**
 * Turns received RFC 4733 packets into digits, one a key press, at its first packet.
 *
 * A press is known by its timestamp, never by the marker bit, which real gateways leave out. Repeated and late packets,
 * a missing End, the contiguous segments of a long press (§2.5.1.3) and gateways whose timestamp runs on during a press
 * all count once: a packet that starts inside the press before it belongs to it.
 */
export class DtmfReceiver {
  private last: HeardPress | null = null;
  private readonly frameTicks: number;

  /** Timestamps and durations count in the clock of the event's payload type (RFC 4733 §2.1). */
  constructor(readonly clockRateHz: number = SAMPLE_RATE_HZ) { this.frameTicks = (clockRateHz * FRAME_MS) / 1000; }

  receive(rtpTimestamp: number, payload: Uint8Array): string | null {
    if (payload.length < TELEPHONE_EVENT_BYTES) return null;
    const code = payload[0];
    if (code >= DIGITS.length) return null;
    const heard: HeardPress = { code, rtpTimestamp, duration: (payload[2] << 8) | payload[3], ended: payload[1] >= 0x80 };
    if (this.last && this.isSamePress(this.last, heard)) {
      this.extend(this.last, heard);
      return null;
    }
    this.last = heard;
    return DIGITS[code];
  }

  /** A new source has its own timestamps. */
  reset(): void { this.last = null; }

  private isSamePress(last: HeardPress, heard: HeardPress): boolean {
    const behind = timestampDelta(last.rtpTimestamp, heard.rtpTimestamp);
    if (behind === 0) return true;
    if (behind > 0) return behind < STALE_SECONDS * this.clockRateHz;
    const tolerance = last.ended ? 0 : this.frameTicks;
    return heard.code === last.code && -behind <= last.duration + tolerance;
  }

  private extend(last: HeardPress, heard: HeardPress): void {
    if (timestampDelta(heard.rtpTimestamp, last.rtpTimestamp) < 0) return;
    const isSegment = heard.rtpTimestamp !== last.rtpTimestamp;
    last.rtpTimestamp = heard.rtpTimestamp;
    last.duration = isSegment ? heard.duration : Math.max(last.duration, heard.duration);
    last.ended ||= heard.ended;
  }
}
