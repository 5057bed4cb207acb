import { errorMessage, type Clock, type Emitter, type Logger } from '@dialfleet/kit';
import type { CallLeg } from '@dialfleet/call';
import { CustomerOnLine } from '../customer/customer-on-line.js';
import type { Persona } from '../persona/persona.js';
import type { LineLibrary } from '../speech/line-library.js';
import type { CarrierCall, CarrierEvents, EndedBy, SaidLine } from './carrier-call.js';

const TARGET_RINGS_MS = 500;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export interface LineCallOptions {
  leg: CallLeg;
  callId: string;
  from: string;
  to: string;
  /** The customer calls; else is called. */
  placed: boolean;
  persona: Persona;
  lines: LineLibrary;
  /** Where to record; null: not at all. */
  recordingPath: string | null;
  events: Emitter<CarrierEvents>;
  clock: Clock;
  logger: Logger;
}

/** What every call has, whoever placed it: a customer who talks once it is answered, a record of it, and one end. */
export class LineCall {
  /** Plain data that outlives the call. */
  readonly record: Writable<CarrierCall>;
  /** Resolves when the call has ended and its recording is complete. */
  readonly finished: Promise<void>;
  private markFinished: () => void = () => undefined;
  private readonly customer: CustomerOnLine;
  private readonly said: SaidLine[] = [];
  private readonly onEnd: (() => void)[] = [];

  constructor(private readonly options: LineCallOptions) {
    const { leg, persona, clock, logger, lines, callId, from, to, placed, recordingPath } = options;
    this.finished = new Promise((resolve) => { this.markFinished = resolve; });
    this.customer = new CustomerOnLine({ leg, persona, clock, logger, line: (text) => lines.line(persona, text), reports: this.reports() });
    this.record = {
      callId, from, to, placed, persona: persona.name, state: 'ringing', invitedAtMs: Math.round(clock.nowMs()), answeredAtMs: null, endedAtMs: null,
      sipStatus: null, endedBy: null, endDetail: null, said: this.said, heard: this.customer.heard, dtmf: '', recordingPath, media: null,
    };
    this.follow();
  }

  get isRinging(): boolean { return this.record.state === 'ringing'; }

  /** Runs when the call ends, before it is closed. */
  whenEnded(act: () => void): void { this.onEnd.push(act); }

  end(endedBy: EndedBy, sipStatus: number | null, endDetail: string | null = null): void {
    if (this.record.state === 'ended') return;
    for (const act of this.onEnd.splice(0)) act();
    this.customer.leave();
    Object.assign(this.record, { state: 'ended', endedBy, sipStatus, endDetail, endedAtMs: Math.round(this.options.clock.nowMs()) } satisfies Partial<CarrierCall>);
    void this.close();
  }

  private follow(): void {
    const { leg: { events }, placed } = this.options;
    events.on('answered', () => this.answered());
    events.on('hungUp', () => this.end('bot', this.isRinging ? 487 : 200));
    events.on('failed', ({ sipStatus, reason }) => this.end(placed ? 'bot' : 'carrier', sipStatus, reason));
    events.on('fault', ({ detail }) => this.end('carrier', this.record.sipStatus, detail));
    events.on('referred', ({ target, report }) => this.referred(target, report));
    events.on('dtmf', ({ digit }) => {
      this.record.dtmf += digit;
      this.options.events.emit('dtmf', { call: this.record, digit });
    });
  }

  private answered(): void {
    if (!this.isRinging) return;
    Object.assign(this.record, { state: 'answered', sipStatus: 200, answeredAtMs: Math.round(this.options.clock.nowMs()) } satisfies Partial<CarrierCall>);
    this.options.events.emit('answered', this.record);
    this.customer.begin();
  }

  /** A carrier that takes REFER: the target rings, answers, and the customer is with them from then on. */
  private referred(target: string, report: (sipStatus: number) => void): void {
    const { events, clock } = this.options;
    events.emit('referred', { call: this.record, target });
    report(180);
    const cancel = clock.after(TARGET_RINGS_MS, () => {
      report(200);
      this.end('carrier', 200, `transferred to ${target}`);
    });
    this.whenEnded(cancel);
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

  private async close(): Promise<void> {
    const { leg, events, logger } = this.options;
    try {
      const stats = await leg.close();
      if (this.record.answeredAtMs === null) this.record.recordingPath = null; else this.record.media = stats;
    } catch (error) {
      logger.warn('call could not be closed in order', { callId: this.record.callId, error: errorMessage(error) });
    }
    events.emit('ended', this.record);
    this.markFinished();
  }
}
