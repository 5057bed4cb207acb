import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { CALLS_STREAM, subjects } from './subjects.js';

/** Looks into the stream `CALLS` beside its consumer. */
export class CallLog {
  constructor(private readonly nc: NatsConnection, private readonly durable: string) {}

  /** Whether the stream holds an event or the outcome of the call that the durable consumer has not been done with. */
  async hasUnhandled(sessionId: string): Promise<boolean> {
    const jsm = await jetstreamManager(this.nc);
    const last = await Promise.all([subjects.callEnded(sessionId), subjects.callEvent(sessionId)]
      .map(async (subject) => (await jsm.streams.getMessage(CALLS_STREAM, { last_by_subj: subject }))?.seq ?? 0));
    const { ack_floor } = await jsm.consumers.info(CALLS_STREAM, this.durable);
    return Math.max(...last) > ack_floor.stream_seq;
  }
}
