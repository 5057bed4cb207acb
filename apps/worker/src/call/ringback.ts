import { PIPELINE_SAMPLE_RATE_HZ, type CallLeg } from '@dialfleet/call';
import { sineWave } from '@dialfleet/media';
import { silence } from './bridge.js';

const ON_MS = 2_000;
const PERIOD_MS = 6_000;
const AMPLITUDE = 2_500;

/** North American audible ringing (440 + 480 Hz, 2 s on, 4 s off) for who waits, until `stop`. */
export class Ringback {
  private period = 0;
  private readonly off: () => void;

  constructor(private readonly leg: CallLeg) {
    this.off = leg.events.on('played', ({ tag }) => { if (tag === this.tag) this.play(); });
    this.play();
  }

  stop(): void {
    this.off();
    silence(this.leg.audioOut);
  }

  private get tag(): string { return `ringback-${this.period}`; }

  private play(): void {
    this.period++;
    this.leg.audioOut.play(this.tag, onePeriod.slice());
    this.leg.audioOut.endOf(this.tag);
  }
}

const onePeriod = new Int16Array((PERIOD_MS * PIPELINE_SAMPLE_RATE_HZ) / 1_000);
for (const frequencyHz of [440, 480]) sineWave({ frequencyHz, durationMs: ON_MS, amplitude: AMPLITUDE }).forEach((sample, i) => { onePeriod[i] += sample; });
