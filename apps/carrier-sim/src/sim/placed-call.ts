import { randomUUID } from 'node:crypto';
import { errorMessage, type Clock, type Emitter, type Logger } from '@dialfleet/kit';
import type { CallLeg } from '@dialfleet/call';
import type { Persona } from '../persona/persona.js';
import type { LineLibrary } from '../speech/line-library.js';
import type { CarrierCall, CarrierEvents } from './carrier-call.js';
import { LineCall } from './line-call.js';

export interface PlacedCallOptions {
  leg: CallLeg;
  from: string;
  to: string;
  persona: Persona;
  lines: LineLibrary;
  /** Where to record; null: not at all. */
  recordingPath: string | null;
  events: Emitter<CarrierEvents>;
  clock: Clock;
  logger: Logger;
}

/** A customer calls: waits for an answer, and then talks as the persona has it. */
export class PlacedCall {
  private readonly line: LineCall;

  constructor(private readonly options: PlacedCallOptions) {
    const { leg } = options;
    this.line = new LineCall({ ...options, callId: (leg as { callId?: string }).callId ?? randomUUID(), placed: true });
    leg.events.on('provisional', ({ sipStatus }) => options.events.emit('ringing', { call: this.record, sipStatus }));
  }

  get record(): CarrierCall { return this.line.record; }
  get finished(): Promise<void> { return this.line.finished; }

  /** Sends the INVITE. */
  async place(): Promise<void> {
    const { leg, lines, persona, events } = this.options;
    events.emit('call', this.record);
    try {
      await lines.prepare([persona]);
      const { recordingPath } = this.record;
      if (recordingPath !== null) leg.events.on('answered', () => { leg.record(recordingPath).catch(() => undefined); });
      await leg.start();
    } catch (error) { this.line.end('carrier', null, errorMessage(error)); }
  }

  /** The customer gives up (CANCEL), or hangs up. */
  hangUp(): void { this.line.end('customer', this.line.isRinging ? 487 : 200); }
}
