import type { CallLeg, LegEvents } from '@dialfleet/call';

/** Two minutes of 20 ms frames: far more than any preparation takes. */
const MAX_HELD = 6000;

type Held = { event: 'audio'; payload: LegEvents['audio'] } | { event: 'dtmf'; payload: LegEvents['dtmf'] };

/** Keeps what the customer says and presses between answer and the conversation's start: the first words count, and so do the first keys. */
export class FirstWords {
  private readonly held: Held[] = [];
  private readonly stop: (() => void)[];

  constructor(private readonly leg: Pick<CallLeg, 'events'>) {
    this.stop = [
      leg.events.on('audio', (payload) => { this.keep({ event: 'audio', payload }); }),
      leg.events.on('dtmf', (payload) => { this.keep({ event: 'dtmf', payload }); }),
    ];
  }

  /** Hands everything to those who listen by now, in order. */
  release(): void {
    for (const stop of this.stop.splice(0)) stop();
    for (const { event, payload } of this.held.splice(0)) {
      if (event === 'audio') this.leg.events.emit('audio', payload); else this.leg.events.emit('dtmf', payload);
    }
  }

  private keep(held: Held): void { if (this.held.length < MAX_HELD) this.held.push(held); }
}
