import type { CallTimelineEvent } from '@dialfleet/call';
import type { TimelineEventView } from '@dialfleet/contracts';
import type { Logger } from '@dialfleet/kit';
import { subjects } from '@dialfleet/messaging';
import type { NatsConnection } from '@nats-io/transport-node';
import { CallEventFeed } from './call-event-feed.js';

/** JetStream stores what workers publish; plain subscribers on the subject hear it at once. */
export class NatsEventFeed extends CallEventFeed {
  constructor(private readonly nc: NatsConnection, private readonly logger: Logger) { super(); }

  follow(sessionId: string, listener: (event: TimelineEventView) => void): () => void {
    const subscription = this.nc.subscribe(subjects.callEvent(sessionId), {
      callback: (error, message) => {
        if (error) { this.logger.warn('event subscription failed', { session_id: sessionId, error }); return; }
        const { seq, at, type, data } = message.json<CallTimelineEvent>();
        listener({ seq, at, type, data });
      },
    });
    return () => subscription.unsubscribe();
  }
}
