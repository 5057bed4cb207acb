import {
  AckPolicy, DeliverPolicy, DiscardPolicy, JetStreamApiError, ReplayPolicy, RetentionPolicy, StorageType, type ConsumerConfig, type JetStreamManager, type StreamConfig,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { CALLS_STREAM, subjects } from './subjects.js';

/** How long JetStream keeps what happened in calls: push may be away for as long. */
const KEEP_FOR_MS = 7 * 24 * 3_600_000;
/** Within it a worker may publish the same event again (same Nats-Msg-Id) without a second one being stored. */
const DUPLICATE_WINDOW_MS = 120_000;

/** Creates the stream `CALLS`, or brings its settings up to date; replicas of an existing stream are left alone. */
export async function ensureCallsStream(jsm: JetStreamManager, replicas = 1): Promise<void> {
  const config = {
    name: CALLS_STREAM, subjects: [subjects.callEvents, subjects.callsEnded], storage: StorageType.File, retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old, max_age: nanos(KEEP_FOR_MS), duplicate_window: nanos(DUPLICATE_WINDOW_MS),
  } satisfies Partial<StreamConfig>;
  const existing = await unlessNotFound(jsm.streams.info(CALLS_STREAM));
  if (existing) await jsm.streams.update(CALLS_STREAM, config);
  else await jsm.streams.add({ ...config, num_replicas: replicas });
}

export interface DurableOptions { stream: string; durable: string; ackWaitMs: number; maxAckPending: number }

/** Creates the durable pull consumer, or brings its limits up to date. It begins with the oldest message kept. */
export async function ensureDurable(jsm: JetStreamManager, { stream, durable, ackWaitMs, maxAckPending }: DurableOptions): Promise<void> {
  const limits = { ack_wait: nanos(ackWaitMs), max_ack_pending: maxAckPending } satisfies Partial<ConsumerConfig>;
  const existing = await unlessNotFound(jsm.consumers.info(stream, durable));
  if (existing) await jsm.consumers.update(stream, durable, limits);
  else {
    await jsm.consumers.add(stream, {
      durable_name: durable, ack_policy: AckPolicy.Explicit, deliver_policy: DeliverPolicy.All, replay_policy: ReplayPolicy.Instant, max_deliver: -1, ...limits,
    });
  }
}

async function unlessNotFound<T>(asked: Promise<T>): Promise<T | undefined> {
  try { return await asked; } catch (error) {
    if (error instanceof JetStreamApiError && error.status === 404) return undefined;
    throw error;
  }
}
