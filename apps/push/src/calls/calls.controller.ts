import { Controller, Inject } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { ResultKeeper } from '../results/result-keeper.js';
import { asOutcome, asTimelineEvent } from './call-message.js';
import { TimelineWriter } from './timeline-writer.js';

/** What workers publish of their calls. A message is acknowledged when the method has resolved. */
@Controller()
export class CallsController {
  constructor(@Inject(TimelineWriter) private readonly timeline: TimelineWriter, @Inject(ResultKeeper) private readonly results: ResultKeeper) {}

  @EventPattern('call.event.*')
  async event(@Payload() payload: unknown): Promise<void> {
    await this.timeline.add(asTimelineEvent(payload));
  }

  @EventPattern('call.ended.*')
  async ended(@Payload() payload: unknown): Promise<void> {
    await this.results.keep(asOutcome(payload));
  }
}
