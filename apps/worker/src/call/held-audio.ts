import type { CallLeg, LegEvents } from '@dialfleet/call';

/** Two minutes of 20 ms frames: far more than any preparation takes. */
const MAX_FRAMES = 6000;

/** Keeps what the customer says between answer and the conversation's start: the first words count. */
export class HeldAudio {
  private readonly frames: LegEvents['audio'][] = [];
  private readonly stop: () => void;

  constructor(private readonly leg: CallLeg) {
    this.stop = leg.events.on('audio', (frame) => { if (this.frames.length < MAX_FRAMES) this.frames.push(frame); });
  }

  /** Hands everything to those who listen by now, in order. */
  release(): void {
    this.stop();
    for (const frame of this.frames.splice(0)) this.leg.events.emit('audio', frame);
  }
}
