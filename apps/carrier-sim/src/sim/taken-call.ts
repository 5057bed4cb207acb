import type { LegMediaStats } from '@dialfleet/call';
import { errorMessage, type Clock, type Emitter, type Logger } from '@dialfleet/kit';
import type { IncomingCall } from '@dialfleet/telephony';
import type { HeardSpeech } from '../customer/bot-ear.js';
import { CustomerOnLine } from '../customer/customer-on-line.js';
import type { Persona, Pickup } from '../persona/persona.js';
import type { LineLibrary } from '../speech/line-library.js';
import type { CarrierCall, CarrierCallState, CarrierEvents, EndedBy, SaidLine } from './carrier-call.js';
import { ringback } from './ringback.js';

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
export class TakenCall implements CarrierCall {
  readonly callId: string;
  readonly from: string;
  readonly to: string;
  readonly persona: string;
  readonly invitedAtMs: number;
  readonly said: SaidLine[] = [];
  readonly recordingPath: string | null;
  state: CarrierCallState = 'ringing';
  answeredAtMs: number | null = null;
  endedAtMs: number | null = null;
  sipStatus: number | null = null;
  endedBy: EndedBy | null = null;
  endDetail: string | null = null;
  dtmf = '';
  media: LegMediaStats | null = null;
  /** Resolves when the call has ended and its recording is complete. */
  readonly finished: Promise<void>;
  private markFinished: () => void = () => undefined;
  private readonly customer: CustomerOnLine;
  private cancelPause: (() => void) | undefined;

  constructor(private readonly options: TakenCallOptions) {
    const { incoming, persona, clock, logger, lines } = options;
    this.callId = incoming.callId;
    this.from = incoming.fromUser;
    this.to = incoming.toUser;
    this.persona = persona.name;
    this.recordingPath = persona.pickup.kind === 'answers' ? options.recordingPath : null;
    this.invitedAtMs = Math.round(clock.nowMs());
    this.finished = new Promise((resolve) => { this.markFinished = resolve; });
    this.customer = new CustomerOnLine({ leg: incoming.leg, persona, clock, logger, line: (text) => lines.line(persona, text), reports: this.reports() });
    this.follow();
  }

  get heard(): readonly HeardSpeech[] { return this.customer.heard; }

  /** Deals with the call until it is answered or turned down. */
  async take(): Promise<void> {
    const { persona: { pickup }, events } = this.options;
    events.emit('call', this);
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
    this.end('carrier', this.sipStatus ?? 480, 'the carrier was stopped');
  }

  private async refuse({ rings, afterMs, status, reason }: Extract<Pickup, { kind: 'refuses' }>): Promise<void> {
    const { incoming } = this.options;
    if (rings) incoming.ring();
    await this.pause(afterMs);
    if (this.state !== 'ringing') return;
    incoming.reject(status, reason ?? undefined);
    this.end('customer', status);
  }

  private async answer(pickup: Extract<Pickup, { kind: 'answers' }>): Promise<void> {
    const { incoming, lines, persona } = this.options;
    if (pickup.rings) incoming.ring();
    if (this.recordingPath !== null) await incoming.leg.record(this.recordingPath);
    if (pickup.earlyMedia) await this.playRingback(pickup.afterMs);
    await Promise.all([this.pause(pickup.afterMs), lines.prepare([persona])]);
    if (this.state !== 'ringing') return;
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
    events.on('hungUp', () => this.end('bot', this.state === 'ringing' ? 487 : 200));
    events.on('failed', ({ sipStatus, reason }) => this.end('carrier', sipStatus, reason));
    events.on('fault', ({ detail }) => this.end('carrier', this.sipStatus, detail));
    events.on('dtmf', ({ digit }) => {
      this.dtmf += digit;
      this.options.events.emit('dtmf', { call: this, digit });
    });
  }

  private answered(): void {
    if (this.state !== 'ringing') return;
    this.state = 'answered';
    this.sipStatus = 200;
    this.answeredAtMs = Math.round(this.options.clock.nowMs());
    this.options.events.emit('answered', this);
    this.customer.begin();
  }

  private reports(): ConstructorParameters<typeof CustomerOnLine>[0]['reports'] {
    const { events } = this.options;
    return {
      lineStarted: (text, atMs) => {
        const line: SaidLine = { text, startedAtMs: Math.round(atMs), endedAtMs: null };
        this.said.push(line);
        events.emit('said', { call: this, line });
      },
      lineEnded: (atMs) => {
        const line = this.said.at(-1);
        if (line) line.endedAtMs = Math.round(atMs);
      },
      heard: (speech) => events.emit('heard', { call: this, speech }),
      hangsUp: () => this.end('customer', 200),
    };
  }

  private end(by: EndedBy, sipStatus: number | null, detail: string | null = null): void {
    if (this.state === 'ended') return;
    this.cancelPause?.();
    this.customer.leave();
    this.state = 'ended';
    this.endedBy = by;
    this.sipStatus = sipStatus;
    this.endDetail = detail;
    this.endedAtMs = Math.round(this.options.clock.nowMs());
    void this.close();
  }

  private async close(): Promise<void> {
    const { incoming: { leg }, events, logger } = this.options;
    try {
      const stats = await leg.close();
      if (this.answeredAtMs !== null) this.media = stats;
    } catch (error) {
      logger.warn('call could not be closed in order', { callId: this.callId, error: errorMessage(error) });
    }
    events.emit('ended', this);
    this.markFinished();
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => { this.cancelPause = this.options.clock.after(ms, resolve); });
  }
}
