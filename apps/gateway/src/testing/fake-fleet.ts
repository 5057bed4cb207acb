import type { BotSettings } from '@dialfleet/bot';
import type { CallPlan } from '@dialfleet/call';
import type { ClaimOutcome, RegistrationState, TrunkCheckReport, TrunkEntry, WorkerCommand, WorkerCommandReply, WorkerView } from '@dialfleet/fleet';
import { FleetPort } from '../fleet/fleet-port.js';

export const workerView = (change: Partial<WorkerView> = {}): WorkerView =>
  ({ id: 'w-1', epoch: 'e-1', status: 'ready', calls: 1, max: 8, version: '1.0.0', uptimeSeconds: 812, heartbeatAgeMs: 212, free: 7, ...change });

type Answer = Awaited<ReturnType<FleetPort['command']>>;

/** A fleet that says what a test tells it to, and remembers what it was asked. */
export class FakeFleet extends FleetPort {
  isConnected = true;
  readonly plans: CallPlan<BotSettings>[] = [];
  readonly commands: [string, WorkerCommand][] = [];
  readonly checks: [string, TrunkEntry][] = [];
  checkAnswer: TrunkCheckReport | undefined;
  readonly registrations = new Map<string, RegistrationState>();
  trunkChanges = 0;
  views: WorkerView[] = [];
  onClaim: () => Promise<ClaimOutcome> = accepts;
  commandAnswer: Answer = { ok: true };

  reset(): void {
    Object.assign(this, { isConnected: true, views: [workerView()], onClaim: accepts, commandAnswer: { ok: true }, trunkChanges: 0, checkAnswer: undefined });
    this.plans.length = 0;
    this.commands.length = 0;
    this.checks.length = 0;
    this.registrations.clear();
  }

  workers(): WorkerView[] { return this.views; }

  claim(plan: CallPlan): Promise<ClaimOutcome> {
    this.plans.push(plan as CallPlan<BotSettings>);
    return this.onClaim();
  }

  command(workerId: string, command: WorkerCommand): Promise<WorkerCommandReply | { ok: false; reason: 'unreachable' }> {
    this.commands.push([workerId, command]);
    return Promise.resolve(this.commandAnswer);
  }

  checkTrunk(workerId: string, entry: TrunkEntry): Promise<TrunkCheckReport | undefined> {
    this.checks.push([workerId, entry]);
    return Promise.resolve(this.checkAnswer);
  }

  registration(trunkId: string): Promise<RegistrationState | undefined> { return Promise.resolve(this.registrations.get(trunkId)); }

  trunksChanged(): void { this.trunkChanges++; }
}

const accepts = (): Promise<ClaimOutcome> => Promise.resolve({ ok: true, workerId: 'w-1', epoch: 'e-1' });
