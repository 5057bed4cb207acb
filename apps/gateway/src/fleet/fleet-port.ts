import type { CallPlan } from '@dialfleet/call';
import type { ClaimOutcome, WorkerCommand, WorkerCommandReply, WorkerView } from '@dialfleet/fleet';

/** The fleet as the gateway uses it: FleetClient of @dialfleet/messaging, or a fake. */
export abstract class FleetPort {
  /** False while the message broker is away. */
  abstract readonly isConnected: boolean;
  abstract workers(): WorkerView[];
  abstract claim(plan: CallPlan): Promise<ClaimOutcome>;
  abstract command(workerId: string, command: WorkerCommand): Promise<WorkerCommandReply | { ok: false; reason: 'unreachable' }>;
  /** Workers ask for the trunks again. */
  abstract trunksChanged(): void;
}
