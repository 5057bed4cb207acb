import type { BotSettings } from '@dialfleet/bot';
import type { CallLeg, CallPlan } from '@dialfleet/call';
import { egressFetch, type Cidr } from '@dialfleet/egress';
import type { Heartbeat } from '@dialfleet/fleet';
import { systemClock, type Logger } from '@dialfleet/kit';
import { CallPublisher, connectNats, subjects } from '@dialfleet/messaging';
import { createProviders, type Providers } from '@dialfleet/providers';
import { FolderRecordingStore } from '@dialfleet/storage';
import { Admission, defaultAdmissionLimits, defaultLoadLimits, dnsNames, LoadGate, MediaThread } from '@dialfleet/telephony';
import type { NatsConnection } from '@nats-io/transport-node';
import { constants, getPriority, setPriority } from 'node:os';
import { CallSession } from './call/call-session.js';
import { CallTimeline } from './call/call-timeline.js';
import { CrmPrefetch, type HttpSend } from './call/crm-prefetch.js';
import { ConversationPipeline } from './call/pipeline.js';
import { RecordingShelf } from './call/recording-shelf.js';
import { CallSlots } from './fleet/call-slots.js';
import { Heartbeats } from './fleet/heartbeats.js';
import { OutcomeJournal } from './journal/outcome-journal.js';
import type { WorkerSettings } from './settings.js';
import { takeInboundCalls } from './sip/inbound.js';
import { keepRegistered } from './sip/keep-registered.js';
import { SipLegs } from './sip/sip-legs.js';
import { TrunkCheck } from './sip/trunk-check.js';
import { askGateways, followTrunkChanges, TrunkDirectory } from './sip/trunk-directory.js';

const JOURNAL_FLUSH_MS = 10_000;
const STEP_BACK_NICENESS = 5;
/** What callers who authenticate are asked for. */
const DIGEST_REALM = 'dialfleet';

/** Everything a worker is made of, joined by hand: sockets and threads first, then the slots that use them. */
export class WorkerRuntime {
  private constructor(
    readonly slots: CallSlots, readonly heartbeats: Heartbeats, readonly logger: Logger,
    private readonly settings: WorkerSettings, private readonly nc: NatsConnection, private readonly journal: OutcomeJournal,
    private readonly sip: SipLegs, private readonly media: MediaThread, private readonly providers: Providers,
    private readonly sessions: ReadonlySet<CallSession>,
    private readonly stopTakingCalls: () => void,
    private readonly unregister: () => Promise<void>,
    readonly trunkCheck: TrunkCheck,
    /** Every trunk of the fleet. */
    readonly trunks: TrunkDirectory,
    /** Resolves when a part has died that only a new process replaces. */
    readonly broken: Promise<Error>,
  ) {}

  /** @throws Error with one plain sentence when the broker, the SIP port or the speech models are not to be had. */
  static async start(settings: WorkerSettings, logger: Logger, version: string): Promise<WorkerRuntime> {
    const clock = systemClock;
    const nc = await connectNats({ url: settings.natsUrl, name: `worker ${settings.workerId}`, logger });
    const publisher = new CallPublisher(nc);
    const journal = new OutcomeJournal(settings.journalDir, (outcome) => publisher.ended(outcome), clock, logger);
    await journal.open();
    const media = await MediaThread.start({ bindAddress: '0.0.0.0', bindAddress6: '::', advertisedAddress: settings.advertisedAddress ?? '127.0.0.1', portRange: settings.rtpPorts, clock, logger });
    letMediaGoFirst();
    const broken = new Promise<Error>((resolve) => { media.events.on('crashed', ({ error }) => { resolve(error); }); });
    const load = new LoadGate(clock, { ...defaultLoadLimits, setUpsPerSecond: settings.maxSetUpsPerSecond }).start();
    const admission = new Admission({ clock, load, limits: admissionLimits(settings), admit: () => 'drop' });
    const sip = await SipLegs.start({
      admission, advertisedAddress: settings.advertisedAddress, sipPort: settings.sipPort, tls: settings.sipTls, readTls: settings.readSipTls, tlsPort: settings.sipTlsPort,
      webSocketPort: settings.sipWebSocketPort, version, media, clock, logger,
    });
    const trunks = new TrunkDirectory(askGateways(nc), clock, logger);
    followTrunkChanges(nc, trunks);
    trunks.start();
    const providers = createProviders({ logger });
    await providers.warmUp();
    const recordings = new RecordingShelf(new FolderRecordingStore(settings.recordingsDir), clock, logger);
    const prefetch = new CrmPrefetch(sendThrough(settings.egressAllow), clock);
    const worker = { workerId: settings.workerId, epoch: settings.epoch };
    const sessions = new Set<CallSession>();

    const begin = (plan: CallPlan, leg?: CallLeg): CallSession => {
      const call = plan as CallPlan<BotSettings>;
      const log = logger.child({ session_id: plan.sessionId });
      const timeline = new CallTimeline(plan, worker, (event) => publisher.event(event), clock, log);
      const session = new CallSession(call, {
        worker, timeline, recordings, prefetch, clock, logger: log, createLeg: (p) => (leg ? Promise.resolve(leg) : sip.createLeg(p)), createSecondLeg: (p) => sip.createLeg(p),
        converse: (setup) => new ConversationPipeline(setup),
        stt: providers.stt(call.bot.stt), tts: providers.tts(call.bot.tts), llm: providers.llm(call.bot.llm), vad: providers.vad(),
        keepOutcome: (outcome, told) => journal.keep(outcome, told),
      });
      sessions.add(session);
      void session.done.then(() => { sessions.delete(session); });
      return session;
    };

    const slots = new CallSlots({ ...worker, maxCalls: settings.maxCalls }, clock, (plan) => begin(plan), () => load.admit());
    const stopTakingCalls = takeInboundCalls({
      nc, worker, trunks, slots, admission, unknownSource: settings.unknownSource, realm: DIGEST_REALM, digestAlgorithms: settings.digestAlgorithms, begin, sip, clock, logger,
    });
    const trunkCheck = new TrunkCheck({ workerId: settings.workerId, names: () => dnsNames(clock), towards: (trunk) => sip.towards(trunk), clock });
    const unregister = keepRegistered({ nc, worker, trunks, slots, sip, clock, logger });
    const heartbeats = new Heartbeats(slots, clock, { ...worker, version, startedAtMs: clock.nowMs(), mediaAddress: sip.mainAddress, sipAddress: sip.sipAddress }, (beat) => { publishBeat(nc, beat); });
    return new WorkerRuntime(slots, heartbeats, logger, settings, nc, journal, sip, media, providers, sessions, stopTakingCalls, unregister, trunkCheck, trunks, broken);
  }

  /** Resolves when the broker has answered. */
  reachBroker(): Promise<void> { return this.nc.flush(); }

  /** No new calls; live ones go on up to the drain time-out; their outcomes are handed over; then everything closes. */
  async stop(): Promise<void> {
    this.logger.info('draining', { calls: this.slots.size });
    await this.slots.drained(this.settings.drainTimeoutMs);
    this.heartbeats.stop();
    this.trunks.stop();
    await this.unregister();
    this.stopTakingCalls();
    await this.journal.close(JOURNAL_FLUSH_MS);
    await this.sip.stop();
    await Promise.all([this.media.close(), this.providers.close()]);
    await this.nc.drain().catch(() => undefined);
  }

  /** The worker cannot go on: no new calls, and every live one ends with a result. */
  async abandonCalls(detail: string): Promise<void> {
    this.slots.drain();
    for (const session of this.sessions) session.fail(detail);
    await Promise.all([...this.sessions].map((session) => session.done));
    await this.journal.close(2000);
  }
}

/** Linux keeps a priority for each thread: on a full core the media thread, which runs already, goes before all that is started from here. */
function letMediaGoFirst(): void {
  if (process.platform === 'linux') setPriority(Math.min(constants.priority.PRIORITY_LOW, getPriority() + STEP_BACK_NICENESS));
}

const admissionLimits = ({ strangerRequestsPerSecond: perSecond }: WorkerSettings): typeof defaultAdmissionLimits =>
  ({ ...defaultAdmissionLimits, strangerRequests: { perSecond, burst: perSecond * 4 }, stranger: { perSecond: perSecond * 10, burst: perSecond * 40 } });

function publishBeat(nc: NatsConnection, beat: Heartbeat): void {
  if (!nc.isClosed()) nc.publish(subjects.heartbeat(beat.workerId), JSON.stringify(beat));
}

const sendThrough = (allow: Cidr[]): HttpSend => async (request) => {
  const { status, body } = await egressFetch({ ...request, maxResponseBytes: 64 * 1024, allow });
  return { status, body: body.toString('utf8') };
};
