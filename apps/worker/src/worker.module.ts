import { Module, type DynamicModule } from '@nestjs/common';
import { CallSlots } from './fleet/call-slots.js';
import { fleetController } from './fleet/fleet.controller.js';
import { TrunkCheck } from './sip/trunk-check.js';
import { LOGGER } from './tokens.js';
import type { WorkerRuntime } from './worker-runtime.js';

/** Nest serves the two request subjects; what they act on is built by WorkerRuntime. */
@Module({})
export class WorkerModule {
  static register(workerId: string, runtime: Pick<WorkerRuntime, 'slots' | 'trunkCheck' | 'logger'>): DynamicModule {
    return {
      module: WorkerModule,
      controllers: [fleetController(workerId)],
      providers: [
        { provide: CallSlots, useValue: runtime.slots }, { provide: TrunkCheck, useValue: runtime.trunkCheck }, { provide: LOGGER, useValue: runtime.logger },
      ],
    };
  }
}
