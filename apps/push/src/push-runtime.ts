import type { ProviderChoice } from '@dialfleet/bot';
import type { LlmVendor } from '@dialfleet/conversation';
import {
  assertReachable, createDatabase, isConflict, isUnavailable, PushDeadMessages, PushDeliveries, PushOrphans, PushResults, PushTimeline, SecretBox, type Database,
} from '@dialfleet/database';
import { egressFetch } from '@dialfleet/egress';
import type { Heartbeat } from '@dialfleet/fleet';
import { Fault, systemClock, type Clock, type Logger } from '@dialfleet/kit';
import { CallLog, CALLS_STREAM, connectNats, ensureCallsStream, JetStreamStrategy, subjects } from '@dialfleet/messaging';
import { FolderRecordingStore, RecordingTokens } from '@dialfleet/storage';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { TimelineWriter } from './calls/timeline-writer.js';
import { DeliveryLoop } from './deliveries/delivery-loop.js';
import { DeliverySender } from './deliveries/delivery-sender.js';
import { BrainAnalyser } from './results/analyser.js';
import { ResultKeeper } from './results/result-keeper.js';
import { recordingFinder } from './settler/find-recording.js';
import { Settler } from './settler/settler.js';
import { WorkerPulse } from './settler/worker-pulse.js';
import type { PushSettings } from './settings.js';

/** Name of the durable consumer that all push processes share. */
const DURABLE = 'push';
/** Group commit makes many sessions' events cheap together. */
const CONCURRENCY = 64;

export interface PushSurroundings {
  /** Makes the brain that analyses a bot's calls. */
  brain: (choice: ProviderChoice) => Pick<LlmVendor, 'extract'>;
  version: string;
  logger: Logger;
  clock?: Clock;
}

/** Everything push is made of, joined by hand. */
export class PushRuntime {
  private constructor(
    readonly strategy: JetStreamStrategy, readonly timeline: TimelineWriter, readonly results: ResultKeeper,
    readonly deliveries: DeliveryLoop, readonly settler: Settler, private readonly nc: NatsConnection, private readonly database: Database,
  ) {}

  /** @throws Error with one plain sentence when the database or the broker cannot be reached. */
  static async start(settings: PushSettings, surroundings: PushSurroundings): Promise<PushRuntime> {
    const { logger, clock = systemClock } = surroundings;
    await assertReachable(settings.databaseUrl);
    const nc = await connectNats({ url: settings.natsUrl, name: 'push', logger });
    const database = createDatabase({ connectionString: settings.databaseUrl, poolSize: settings.databasePool, statementTimeoutMs: 10_000 });
    const box = new SecretBox(settings.secretKey);
    const deliveries = deliveryLoop(settings, surroundings, database, box, clock);
    const results = resultKeeper(settings, surroundings, database, box, clock, () => { deliveries.wake(); });
    const pushTimeline = new PushTimeline(database);
    const timeline = new TimelineWriter((events) => pushTimeline.store(events), isTransient);
    const settler = new Settler({
      orphans: new PushOrphans(database), results, ...listenToWorkers(nc, clock, logger), clock, logger,
      hasUnhandled: (sessionId) => new CallLog(nc, DURABLE).hasUnhandled(sessionId),
      findRecording: recordingFinder(new FolderRecordingStore(settings.recordingsDir), logger),
    });
    return new PushRuntime(callStrategy(nc, database, settings, clock, logger), timeline, results, deliveries, settler, nc, database);
  }

  /** After `app.listen()`: messages are being consumed. */
  begin(): void { this.deliveries.start(); this.settler.start(); }

  /** A round trip to the broker and one to the database. */
  async probe(): Promise<void> { await Promise.all([this.nc.flush(), this.database.$queryRaw`SELECT 1`]); }

  /** After the Nest app was closed and takes no message any more: finishes what is in flight. */
  async stop(): Promise<void> {
    await this.settler.stop();
    await this.deliveries.stop();
    await this.database.$disconnect();
    await this.nc.drain().catch(() => undefined);
  }
}

const isTransient = (error: unknown): boolean => isUnavailable(error) || isConflict(error) || (error instanceof Fault && error.retryable);

function callStrategy(nc: NatsConnection, database: Database, settings: PushSettings, clock: Clock, logger: Logger): JetStreamStrategy {
  const dead = new PushDeadMessages(database);
  return new JetStreamStrategy({
    nc, stream: CALLS_STREAM, durable: DURABLE, clock, logger, isTransient, concurrency: CONCURRENCY,
    prepare: async () => { await ensureCallsStream(await jetstreamManager(nc), settings.streamReplicas); },
    bury: (message) => dead.keep(message),
  });
}

function deliveryLoop(settings: PushSettings, { logger, version }: PushSurroundings, database: Database, box: SecretBox, clock: Clock): DeliveryLoop {
  const deliveries = new PushDeliveries(database);
  const sender = new DeliverySender({
    deliveries, box, clock, logger, userAgent: `Dialfleet/${version}`, send: (request) => egressFetch({ ...request, allow: settings.egressAllow }),
  });
  return new DeliveryLoop({ deliveries, sender, owner: settings.instance, clock, logger });
}

function resultKeeper(settings: PushSettings, { brain, logger }: PushSurroundings, database: Database, box: SecretBox, clock: Clock, onDeliveries: () => void): ResultKeeper {
  const tokens = new RecordingTokens(settings.secretKey);
  return new ResultKeeper({
    results: new PushResults(database), analyser: new BrainAnalyser(brain, clock), secrets: box, clock, logger, onDeliveries,
    recordingUrl: (sessionId) => `${settings.publicUrl}/recordings/${tokens.sign(sessionId)}`,
  });
}

/** The pulse of the fleet, from heartbeats; deaf while the broker is away. */
function listenToWorkers(nc: NatsConnection, clock: Clock, logger: Logger): { pulse: WorkerPulse; isListening: () => boolean } {
  const pulse = new WorkerPulse(clock.monotonicMs());
  let connected = true;
  nc.subscribe(subjects.heartbeats, {
    callback: (error, message) => {
      try { if (!error) pulse.heard(message.json<Heartbeat>(), clock.monotonicMs()); } catch { logger.warn('unreadable heartbeat', { subject: message.subject }); }
    },
  });
  void (async () => {
    for await (const { type } of nc.status()) {
      if (type === 'disconnect') connected = false;
      else if (type === 'reconnect') { connected = true; pulse.deafUntil(clock.monotonicMs()); }
    }
  })();
  return { pulse, isListening: () => connected && !nc.isClosed() };
}
