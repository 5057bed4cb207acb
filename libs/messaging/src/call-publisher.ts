import type { CallOutcome, CallTimelineEvent } from '@dialfleet/call';
import { errorMessage, Fault } from '@dialfleet/kit';
import { jetstream, type JetStreamClient } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { subjects } from './subjects.js';

/** JetStream did not acknowledge: the message may or may not be stored; publishing it again is harmless (Nats-Msg-Id). */
export class PublishFault extends Fault {
  constructor(message: string, options?: ErrorOptions) { super(message, true, options); }
}

const PUBLISH_TIMEOUT_MS = 3000;

/** Publishes what happens in calls to the stream `CALLS`. Resolves once JetStream has it. */
export class CallPublisher {
  private readonly js: JetStreamClient;

  constructor(nc: NatsConnection) { this.js = jetstream(nc, { timeout: PUBLISH_TIMEOUT_MS }); }

  event(event: CallTimelineEvent): Promise<void> {
    return this.publish(subjects.callEvent(event.sessionId), event, `${event.eventId}:${event.workerEpoch}`);
  }

  ended(outcome: CallOutcome): Promise<void> {
    // The epoch: where a claim was withdrawn from one worker and taken by another, both end the session, and both count.
    return this.publish(subjects.callEnded(outcome.sessionId), outcome, `${outcome.sessionId}:${outcome.workerEpoch}:ended`);
  }

  private async publish(subject: string, payload: unknown, msgID: string): Promise<void> {
    try {
      await this.js.publish(subject, JSON.stringify(payload), { msgID, timeout: PUBLISH_TIMEOUT_MS });
    } catch (error) {
      throw new PublishFault(`JetStream did not acknowledge ${subject}: ${errorMessage(error)}`, { cause: error });
    }
  }
}
