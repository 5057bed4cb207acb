import { errorMessage, type Clock, type Emitter, type Logger } from '@dialfleet/kit';
import type { IncomingCall } from '@dialfleet/telephony';
import type { Persona, Pickup } from '../persona/persona.js';
import type { LineLibrary } from '../speech/line-library.js';
import type { CarrierCall, CarrierEvents } from './carrier-call.js';
import { LineCall } from './line-call.js';
import { ringback } from './ringback.js';

/** Ringback is queued in one piece: not more than this of it. */
const LONGEST_RINGBACK_MS = 60_000;

export interface TakenCallOptions {
  incoming: IncomingCall;
  persona: Persona;
  lines: LineLibrary;
  /** REFER from the bot is carried out; else refused. */
  takesRefer: boolean;
  /** Where to record; null: not at all. */
  recordingPath: string | null;
  events: Emitter<CarrierEvents>;
  clock: Clock;
  logger: Logger;
}

/**
 * One call from INVITE to end: rings, answers or refuses as the persona has it, and lets the customer talk.
 *
 * ```
 *  ringing ──answer──▶ answered ──▶ ended
 *     └──refusal, CANCEL, fault───────▲
 * ```
 */
export class TakenCall {
  private readonly line: LineCall;
  private cancelPause: (() => void) | undefined;

  constructor(private readonly options: TakenCallOptions) {
    const { incoming, persona, recordingPath, takesRefer } = options;
    // Encrypted for who wants it.
    incoming.obey({ allowRefer: takesRefer, srtp: 'optional' });
    this.line = new LineCall({
      ...options, leg: incoming.leg, callId: incoming.callId, from: incoming.fromUser, to: incoming.toUser, placed: false,
      recordingPath: persona.pickup.kind === 'answers' ? recordingPath : null,
    });
    this.line.whenEnded(() => this.cancelPause?.());
  }

  get record(): CarrierCall { return this.line.record; }
  get finished(): Promise<void> { return this.line.finished; }

  /** Deals with the call until it is answered or turned down. */
  async take(): Promise<void> {
    const { persona: { pickup }, events } = this.options;
    events.emit('call', this.record);
    try {
      if (pickup.kind === 'never_answers') this.options.incoming.ring();
      else if (pickup.kind === 'refuses') await this.refuse(pickup);
      else await this.answer(pickup);
    } catch (error) {
      this.options.incoming.reject(500);
      this.line.end('carrier', 500, errorMessage(error));
    }
  }

  /** The carrier goes out of service. */
  hangUp(): void {
    this.line.end('carrier', this.record.sipStatus ?? 480, 'the carrier was stopped');
  }

  private async refuse({ rings, afterMs, status, reason }: Extract<Pickup, { kind: 'refuses' }>): Promise<void> {
    const { incoming } = this.options;
    if (rings) incoming.ring();
    await this.pause(afterMs);
    if (!this.line.isRinging) return;
    incoming.reject(status, reason === null ? {} : { reason });
    this.line.end('customer', status);
  }

  private async answer(pickup: Extract<Pickup, { kind: 'answers' }>): Promise<void> {
    const { incoming, lines, persona } = this.options;
    if (pickup.rings) incoming.ring();
    const { recordingPath } = this.record;
    if (recordingPath !== null) await incoming.leg.record(recordingPath);
    if (pickup.earlyMedia) await this.playRingback(pickup.afterMs);
    await Promise.all([this.pause(pickup.afterMs), lines.prepare([persona])]);
    if (!this.line.isRinging) return;
    if (pickup.earlyMedia) await incoming.leg.audioOut.clear();
    await incoming.answer();
  }

  private async playRingback(durationMs: number): Promise<void> {
    const { incoming } = this.options;
    await incoming.earlyMedia();
    incoming.leg.audioOut.play('ringback', ringback(Math.min(durationMs, LONGEST_RINGBACK_MS)));
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => { this.cancelPause = this.options.clock.after(ms, resolve); });
  }
}
