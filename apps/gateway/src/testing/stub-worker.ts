import type { CallPlan } from '@dialfleet/call';
import type { ClaimReply, Heartbeat, WorkerCommand } from '@dialfleet/fleet';
import { systemClock } from '@dialfleet/kit';
import { subjects } from '@dialfleet/messaging';
import { connect, type Msg, type NatsConnection } from '@nats-io/transport-node';

/** A worker's side of the claim protocol over real NATS: beats, grants its slots, counts. It places no calls. */
export class StubWorker {
  readonly plans: CallPlan[] = [];
  readonly commands: WorkerCommand[] = [];
  private stopBeating: () => void = () => undefined;

  private constructor(private readonly nc: NatsConnection, readonly id: string, private readonly max: number) {}

  static async start(url: string, id: string, max: number): Promise<StubWorker> {
    const worker = new StubWorker(await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 100 }), id, max);
    worker.answer<{ plan: CallPlan }>(subjects.claim(id), ({ plan }) => worker.claim(plan));
    worker.answer<WorkerCommand>(subjects.command(id), (command) => { worker.commands.push(command); return { ok: true }; });
    worker.beat();
    return worker;
  }

  publish(subject: string, payload: object): void { this.nc.publish(subject, JSON.stringify(payload)); }

  async stop(): Promise<void> {
    this.stopBeating();
    await this.nc.close();
  }

  private claim(plan: CallPlan): ClaimReply {
    if (this.plans.length >= this.max) return { accepted: false, workerId: this.id, reason: 'full', calls: this.plans.length, max: this.max };
    this.plans.push(plan);
    return { accepted: true, workerId: this.id, epoch: 'e-1', calls: this.plans.length, max: this.max };
  }

  private beat(): void {
    const beat: Heartbeat = { workerId: this.id, epoch: 'e-1', status: 'ready', calls: this.plans.length, max: this.max, version: '1.0.0', startedAtMs: Date.now(), mediaAddress: '127.0.0.1', cpuLoad: 0 };
    if (!this.nc.isClosed()) this.publish(subjects.heartbeat(this.id), beat);
    this.stopBeating = systemClock.after(200, () => this.beat());
  }

  /** The envelope of Nest's NATS transport. */
  private answer<Question>(subject: string, reply: (question: Question) => object): void {
    this.nc.subscribe(subject, { callback: (_error: Error | null, message: Msg) => {
      const { id, data } = message.json<{ id: string; data: Question }>();
      message.respond(JSON.stringify({ id, response: reply(data), isDisposed: true }));
    } });
  }
}
