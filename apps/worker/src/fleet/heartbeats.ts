import { HEARTBEAT_INTERVAL_MS, type Heartbeat } from '@dialfleet/fleet';
import type { Clock } from '@dialfleet/kit';
import type { CallSlots } from './call-slots.js';

/** Publishes this worker's state every second and on every change. */
export class Heartbeats {
  private cancel: () => void = () => undefined;
  private stopListening: () => void = () => undefined;
  private readonly cpu = new CpuLoad();

  constructor(
    private readonly slots: CallSlots, private readonly clock: Clock,
    private readonly identity: Pick<Heartbeat, 'workerId' | 'epoch' | 'version' | 'startedAtMs' | 'mediaAddress' | 'sipAddress'>,
    private readonly publish: (beat: Heartbeat) => void,
  ) {}

  start(): void {
    this.stopListening = this.slots.events.on('changed', () => { this.beat(); });
    this.tick();
  }

  stop(): void {
    this.cancel();
    this.stopListening();
  }

  private tick(): void {
    this.beat();
    this.cancel = this.clock.after(HEARTBEAT_INTERVAL_MS, () => { this.tick(); });
  }

  private beat(): void {
    this.publish({ ...this.identity, status: this.slots.status, calls: this.slots.size, max: this.slots.max, cpuLoad: this.cpu.read() });
  }
}

/** Share of one core used by this process since the last reading. */
class CpuLoad {
  private last = { cpu: process.cpuUsage(), at: process.hrtime.bigint() };
  private value = 0;

  read(): number {
    const at = process.hrtime.bigint();
    const elapsedUs = Number(at - this.last.at) / 1000;
    if (elapsedUs < 100_000) return this.value;
    const cpu = process.cpuUsage(this.last.cpu);
    this.value = Math.round(((cpu.user + cpu.system) / elapsedUs) * 100) / 100;
    this.last = { cpu: process.cpuUsage(), at };
    return this.value;
  }
}
