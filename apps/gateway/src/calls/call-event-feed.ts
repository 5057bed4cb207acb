import type { TimelineEventView } from '@dialfleet/contracts';

/** Events of a call as they happen. */
export abstract class CallEventFeed {
  /** Calls `listener` for each event from now on, until the returned function is called. */
  abstract follow(sessionId: string, listener: (event: TimelineEventView) => void): () => void;
}
