import type { CallPlan } from '@dialfleet/call';
import type { ClaimOutcome, RegistrationState, TrunkCheckReport, TrunkEntry, WorkerCommand, WorkerCommandReply, WorkerView } from '@dialfleet/fleet';

/** The fleet as the gateway uses it: FleetClient of @dialfleet/messaging, or a fake. */
export abstract class FleetPort {
  /** False while the message broker is away. */
  abstract readonly isConnected: boolean;
  abstract workers(): WorkerView[];
  abstract claim(plan: CallPlan): Promise<ClaimOutcome>;
  abstract command(workerId: string, command: WorkerCommand): Promise<WorkerCommandReply | { ok: false; reason: 'unreachable' }>;
  /** Undefined: the worker did not answer. */
  abstract checkTrunk(workerId: string, entry: TrunkEntry): Promise<TrunkCheckReport | undefined>;
  /** How a trunk's registration stands; undefined when nothing is known. Never rejects, and never takes long. */
  abstract registration(trunkId: string): Promise<RegistrationState | undefined>;
  /** Workers ask for the trunks again. */
  abstract trunksChanged(): void;
}
