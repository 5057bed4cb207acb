import { Module, type DynamicModule } from '@nestjs/common';
import { CallsController } from './calls/calls.controller.js';
import { TimelineWriter } from './calls/timeline-writer.js';
import { ResultKeeper } from './results/result-keeper.js';
import type { PushRuntime } from './push-runtime.js';

/** Nest serves the call stream's subjects; what they act on is built by PushRuntime. */
@Module({})
export class PushModule {
  static register({ timeline, results }: Pick<PushRuntime, 'timeline' | 'results'>): DynamicModule {
    return {
      module: PushModule,
      controllers: [CallsController],
      providers: [{ provide: TimelineWriter, useValue: timeline }, { provide: ResultKeeper, useValue: results }],
    };
  }
}
