import { errorMessage, type Clock, type Emitter, type Logger } from '@dialfleet/kit';
import type { IncomingCall } from '@dialfleet/telephony';
import { CustomerOnLine } from '../customer/customer-on-line.js';
import type { Persona, Pickup } from '../persona/persona.js';
import type { LineLibrary } from '../speech/line-library.js';
import type { CarrierCall, CarrierEvents, EndedBy, SaidLine } from './carrier-call.js';
import { ringback } from './ringback.js';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Ringback is queued in one piece: not more than this of it. */
const LONGEST_RINGBACK_MS = 60_000;

export interface TakenCallOptions {
  incoming: IncomingCall;
  persona: Persona;
  lines: LineLibrary;
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
  /** Plain data that outlives the call. */
  readonly record: Writable<CarrierCall>;
  /** Resolves when the call has ended and its recording is complete. */
  readonly finished: Promise<void>;
  private markFinished: () => void = () => undefined;
  private readonly customer: CustomerOnLine;
  private readonly said: SaidLine[] = [];
  private cancelPause: (() => void) | undefined;

  constructor(private readonly options: TakenCallOptions) {
    const { incoming, persona, clock, logger, lines } = options;
    this.finished = new Promise((resolve) => { this.markFinished = resolve; });
    this.customer = new CustomerOnLine({ leg: incoming.leg, persona, clock, logger, line: (text) => lines.line(persona, text), reports: this.reports() });
    this.record = {
      callId: incoming.callId, from: incoming.fromUser, to: incoming.toUser, persona: persona.name, state: 'ringing',
      invitedAtMs: Math.round(clock.nowMs()), answeredAtMs: null, endedAtMs: null, sipStatus: null, endedBy: null, endDetail: null,
      said: this.said, heard: this.customer.heard, dtmf: '', recordingPath: persona.pickup.kind === 'answers' ? options.recordingPath : null, media: null,
    };
    this.follow();
  }

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
      this.end('carrier', 500, errorMessage(error));
    }
  }

  /** The carrier goes out of service. */
  hangUp(): void {
    this.end('carrier', this.record.sipStatus ?? 480, 'the carrier was stopped');
  }

  private async refuse({ rings, afterMs, status, reason }: Extract<Pickup, { kind: 'refuses' }>): Promise<void> {
    const { incoming } = this.options;
    if (rings) incoming.ring();
    await this.pause(afterMs);
    if (this.record.state !== 'ringing') return;
    incoming.reject(status, { ...(reason === null ? {} : { reason }) });
    this.end('customer', status);
  }

  private async answer(pickup: Extract<Pickup, { kind: 'answers' }>): Promise<void> {
    const { incoming, lines, persona } = this.options;
    if (pickup.rings) incoming.ring();
    const { recordingPath } = this.record;
    if (recordingPath !== null) await incoming.leg.record(recordingPath);
    if (pickup.earlyMedia) await this.playRingback(pickup.afterMs);
    await Promise.all([this.pause(pickup.afterMs), lines.prepare([persona])]);
    if (this.record.state !== 'ringing') return;
    if (pickup.earlyMedia) await incoming.leg.audioOut.clear();
    await incoming.answer();
  }

  private async playRingback(durationMs: number): Promise<void> {
    const { incoming } = this.options;
    await incoming.earlyMedia();
    incoming.leg.audioOut.play('ringback', ringback(Math.min(durationMs, LONGEST_RINGBACK_MS)));
  }

  private follow(): void {
    const { events } = this.options.incoming.leg;
    events.on('answered', () => this.answered());
    events.on('hungUp', () => this.end('bot', this.record.state === 'ringing' ? 487 : 200));
    events.on('failed', ({ sipStatus, reason }) => this.end('carrier', sipStatus, reason));
    events.on('fault', ({ detail }) => this.end('carrier', this.record.sipStatus, detail));
    events.on('dtmf', ({ digit }) => {
      this.record.dtmf += digit;
      this.options.events.emit('dtmf', { call: this.record, digit });
    });
  }

  private answered(): void {
    if (this.record.state !== 'ringing') return;
    Object.assign(this.record, { state: 'answered', sipStatus: 200, answeredAtMs: Math.round(this.options.clock.nowMs()) } satisfies Partial<CarrierCall>);
    this.options.events.emit('answered', this.record);
    this.customer.begin();
  }

  private reports(): ConstructorParameters<typeof CustomerOnLine>[0]['reports'] {
    const { events } = this.options;
    return {
      lineStarted: (text, atMs) => {
        const line: SaidLine = { text, startedAtMs: Math.round(atMs), endedAtMs: null };
        this.said.push(line);
        events.emit('said', { call: this.record, line });
      },
      lineEnded: (atMs) => {
        const line = this.said.at(-1);
        if (line) line.endedAtMs = Math.round(atMs);
      },
      heard: (speech) => events.emit('heard', { call: this.record, speech }),
      hangsUp: () => this.end('customer', 200),
    };
  }

  private end(endedBy: EndedBy, sipStatus: number | null, endDetail: string | null = null): void {
    if (this.record.state === 'ended') return;
    this.cancelPause?.();
    this.customer.leave();
    Object.assign(this.record, { state: 'ended', endedBy, sipStatus, endDetail, endedAtMs: Math.round(this.options.clock.nowMs()) } satisfies Partial<CarrierCall>);
    void this.close();
  }

  private async close(): Promise<void> {
    const { incoming: { leg }, events, logger } = this.options;
    try {
      const stats = await leg.close();
      if (this.record.answeredAtMs === null) this.record.recordingPath = null; else this.record.media = stats;
    } catch (error) {
      logger.warn('call could not be closed in order', { callId: this.record.callId, error: errorMessage(error) });
    }
    events.emit('ended', this.record);
    this.markFinished();
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => { this.cancelPause = this.options.clock.after(ms, resolve); });
  }
}
