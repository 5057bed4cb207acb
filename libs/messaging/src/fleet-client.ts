import type { CallPlan } from '@dialfleet/call';
import {
  claimCall, RegistryView, type AskAnswer, type ClaimOutcome, type ClaimPort, type ClaimReply, type ClaimRequest, type Heartbeat, type RegistrationState, type TrunkCheckReport, type TrunkEntry, type WorkerCommand,
  type WorkerCommandReply, type WorkerView,
} from '@dialfleet/fleet';
import { requestId, within, type Clock, type Logger } from '@dialfleet/kit';
import { NoRespondersError, RequestError, TimeoutError, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { RegistrationStore } from './registration-store.js';
import { subjects } from './subjects.js';

const COMMAND_TIMEOUT_MS = 1000;
/** A worker takes 8 s at most. */
const CHECK_TIMEOUT_MS = 12_000;
/** Registrations change seldom, lists of trunks are read often. */
const REMEMBER_MS = 1_000;
const READ_WITHIN_MS = 500;
const MAX_REMEMBERED = 1_000;

/** The fleet as a gateway (or push) sees it over NATS: heartbeats in, claims and commands out. */
export class FleetClient {
  private readonly registry = new RegistryView();
  private readonly subscription: Subscription;
  private connected = true;
  private readonly store: RegistrationStore;
  private readonly registrations = new Map<string, { state: Promise<RegistrationState | undefined>; untilMs: number }>();

  private constructor(private readonly nc: NatsConnection, private readonly clock: Clock, private readonly logger: Logger) {
    this.store = new RegistrationStore(nc);
    this.subscription = nc.subscribe(subjects.heartbeats, {
      callback: (error, message) => {
        if (error) { logger.warn('heartbeat subscription failed', { error: error.message }); return; }
        try {
          this.registry.heard(message.json<Heartbeat>(), clock.monotonicMs());
        } catch (cause) { logger.warn('unreadable heartbeat', { subject: message.subject, error: cause }); }
      },
    });
  }

  static async connect(nc: NatsConnection, clock: Clock, logger: Logger): Promise<FleetClient> {
    const client = new FleetClient(nc, clock, logger);
    await nc.flush();
    void client.watchConnection();
    return client;
  }

  /** False while the broker is away: heartbeats then say nothing. */
  get isConnected(): boolean { return this.connected && !this.nc.isClosed(); }

  workers(): WorkerView[] { return this.registry.workers(this.clock.monotonicMs(), this.clock.nowMs()); }

  claim(plan: CallPlan): Promise<ClaimOutcome> {
    if (!this.isConnected) return Promise.resolve({ ok: false, code: 'unavailable', detail: 'The message broker cannot be reached.' });
    return claimCall(plan, this.registry, this.port, this.clock);
  }

  /** `unreachable`: nobody answered, so whether the command was carried out is not known. */
  async command(workerId: string, command: WorkerCommand): Promise<WorkerCommandReply | { ok: false; reason: 'unreachable' }> {
    const answer = await this.ask<WorkerCommandReply>(subjects.command(workerId), command, COMMAND_TIMEOUT_MS);
    return answer.kind === 'reply' ? answer.reply : { ok: false, reason: 'unreachable' };
  }

  /** Undefined: nobody answered. */
  async checkTrunk(workerId: string, entry: TrunkEntry): Promise<TrunkCheckReport | undefined> {
    if (!this.isConnected) return undefined;
    const answer = await this.ask<TrunkCheckReport>(subjects.command(workerId), { command: 'check_trunk', entry } satisfies WorkerCommand, CHECK_TIMEOUT_MS);
    return answer.kind === 'reply' && Array.isArray(answer.reply.steps) ? answer.reply : undefined;
  }

  /** How the trunk's registration stands; undefined when nothing is known, the broker's absence included. Never rejects. */
  registration(trunkId: string): Promise<RegistrationState | undefined> {
    const known = this.registrations.get(trunkId);
    const now = this.clock.monotonicMs();
    if (known && known.untilMs > now) return known.state;
    if (this.registrations.size >= MAX_REMEMBERED) this.registrations.clear();
    const state = this.isConnected ? within(this.clock, READ_WITHIN_MS, this.store.read(trunkId)).catch(() => undefined) : Promise.resolve(undefined);
    this.registrations.set(trunkId, { state, untilMs: now + REMEMBER_MS });
    return state;
  }

  /** Tells the workers that their list of trunks is old; one that misses it asks again within 30 s anyway. */
  trunksChanged(): void { if (this.isConnected) this.nc.publish(subjects.trunksChanged); }

  private async watchConnection(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === 'disconnect') this.connected = false;
      else if (status.type === 'reconnect') this.connected = true;
    }
  }

  close(): void { this.subscription.unsubscribe(); }

  private readonly port: ClaimPort = {
    claim: (workerId, plan, timeoutMs): Promise<AskAnswer> =>
      this.ask<ClaimReply>(subjects.claim(workerId), { plan } satisfies ClaimRequest, timeoutMs),
    cancel: async (workerId, sessionId, timeoutMs) => {
      const answer = await this.ask<WorkerCommandReply>(subjects.command(workerId), { command: 'cancel_claim', sessionId } satisfies WorkerCommand, timeoutMs);
      return answer.kind === 'no_responders' || (answer.kind === 'reply' && answer.reply.ok);
    },
  };

  /** Speaks the envelope of Nest's NATS transport: `{id, data}` → `{id, response | err, isDisposed}`. */
  private async ask<Reply>(subject: string, data: unknown, timeoutMs: number): Promise<{ kind: 'reply'; reply: Reply } | { kind: 'no_responders' } | { kind: 'timeout' }> {
    try {
      const message = await this.nc.request(subject, JSON.stringify({ id: requestId(), data }), { timeout: Math.max(1, timeoutMs) });
      const packet = message.json<{ response?: Reply; err?: unknown }>();
      if (packet.err !== undefined && packet.err !== null) throw new Error(`worker failed: ${JSON.stringify(packet.err)}`);
      return { kind: 'reply', reply: packet.response as Reply };
    } catch (error) {
      if (isNoResponders(error)) return { kind: 'no_responders' };
      if (!(error instanceof TimeoutError) && !(error instanceof RequestError)) this.logger.warn('request to a worker failed', { subject, error });
      return { kind: 'timeout' };
    }
  }
}

const isNoResponders = (error: unknown): boolean =>
  error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders());
