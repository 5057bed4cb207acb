import { checkActiveHours, type BotSettings } from '@dialfleet/bot';
import { calledNumbers, callerNumber, type CallPlan } from '@dialfleet/call';
import { InboundRepository, SecretBox, type Asker, type InboundCall, type InboundRoute, type KnownInboundCall } from '@dialfleet/database';
import type { InboundDecision, InboundRequest } from '@dialfleet/fleet';
import { maskNumber, uuidV7, type Clock, type Logger } from '@dialfleet/kit';
import { Inject, Injectable } from '@nestjs/common';
import { BotSettingsCache } from '../dialout/bot-settings-cache.js';
import { TrunkLimits } from '../dialout/trunk-limits.js';
import { FleetPort } from '../fleet/fleet-port.js';
import { ProblemError } from '../http/problem.js';
import { GatewayMetrics } from '../metrics/gateway-metrics.js';
import { CLOCK, LOGGER } from '../tokens.js';
import { trunkPlan } from '../trunks/trunk-plan.js';
import { inboundVariables } from './inbound-variables.js';

type Refusal = Extract<InboundDecision, { action: 'refuse' }>;
const refuse = (sipStatus: number, reason: string, retryAfterSeconds?: number): Refusal =>
  ({ action: 'refuse', sipStatus, reason, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) });

const LINES_RETRY_SECONDS = 5;
/** A worker that was given a plan has said so on the call's timeline by then, or never will. */
const HAND_OVER_AFTER_MS = 5_000;
/** Nobody is asked to wait for longer than a day. */
const MAX_RETRY_SECONDS = 86_400;

/** Calls that come in: whose number was called, whether its bot answers now, and everything the worker needs for it. */
@Injectable()
export class InboundCalls {
  constructor(
    private readonly calls: InboundRepository,
    private readonly box: SecretBox,
    private readonly settings: BotSettingsCache,
    private readonly limits: TrunkLimits,
    private readonly fleet: FleetPort,
    private readonly metrics: GatewayMetrics,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Rejects when the database cannot be asked: the worker then says 503. */
  async decide(request: InboundRequest): Promise<InboundDecision> {
    const decision = await this.judge(request);
    const called = maskNumber(request.calledUser);
    if (decision.action === 'take') this.logger.info('inbound call taken', { session_id: decision.plan.sessionId, worker_id: request.workerId, to: called });
    else this.logger.info('inbound call refused', { worker_id: request.workerId, to: called, sip_status: decision.sipStatus, reason: decision.reason });
    this.metrics.inbound(decision.action === 'take' ? 'ok' : String(decision.sipStatus));
    return decision;
  }

  private async judge(request: InboundRequest): Promise<InboundDecision> {
    const route = await this.routeOf(request);
    if (!route) return refuse(404, 'Not Found');
    const known = await this.calls.known(route.workspace_id, inviteOf(request));
    if (known) return this.again(known, route, request);

    const settings = this.settings.of({ id: route.bot_id, version: route.version, config: route.config, secrets: route.secrets, trunk: null });
    const nowMs = this.clock.nowMs();
    const hours = checkActiveHours(settings.activeHours, nowMs);
    const announcement = hours.open ? undefined : settings.activeHours?.closedMessage;
    if (!hours.open && announcement === undefined) {
      return refuse(480, 'Outside Active Hours', Math.min(MAX_RETRY_SECONDS, Math.max(1, Math.ceil((hours.nextOpenAt.getTime() - nowMs) / 1000))));
    }
    return this.accept(this.newCall(request, route, nowMs), route, settings, announcement, request);
  }

  private async accept(call: InboundCall, route: InboundRoute, settings: BotSettings, announcement: string | undefined, request: InboundRequest): Promise<InboundDecision> {
    try {
      const isNew = await this.limits.within(call.workspaceId, route.trunk, () => this.calls.accept(call));
      if (isNew) return { action: 'take', plan: this.plan(call, route, settings, announcement) };
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'no_capacity') return refuse(503, 'Trunk Is Full', error.extras.retryAfterSeconds ?? LINES_RETRY_SECONDS);
      throw error;
    }
    // Another gateway was asked about the same INVITE at the same time.
    const known = await this.calls.known(call.workspaceId, call.invite);
    return known ? this.again(known, route, request) : refuse(482, 'Merged Request');
  }

  /**
   * Of the numbers that the called one may be, the first that one of the trunks has. Trunks of several workspaces may share
   * a carrier's addresses: then who added the number first has it, and nobody takes it over by adding it, too.
   */
  private async routeOf({ trunkIds, calledUser, alsoCalled = [] }: InboundRequest): Promise<InboundRoute | undefined> {
    const trunks = await this.calls.countries(trunkIds);
    const wanted = trunks.flatMap(({ id, default_country: country }) =>
      [calledUser, ...alsoCalled].flatMap((user) => calledNumbers(user, country ?? undefined)).map((number, rank) => ({ trunkId: id, number, rank })));
    if (wanted.length === 0) return undefined;
    const rankOf = (route: InboundRoute): number => wanted.find((one) => one.trunkId === route.trunk.id && one.number === route.number)?.rank ?? wanted.length;
    return (await this.calls.routes(wanted)).sort((a, b) => rankOf(a) - rankOf(b) || (a.number_id < b.number_id ? -1 : 1))[0];
  }

  private newCall(request: InboundRequest, route: InboundRoute, nowMs: number): InboundCall {
    const caller = callerNumber(request.callerUser, route.trunk.default_country ?? undefined);
    return {
      id: uuidV7(nowMs), workspaceId: route.workspace_id, botId: route.bot_id, botVersion: route.version, trunkId: route.trunk.id,
      fromNumber: caller, toNumber: route.number, callerId: caller, acceptedAtMs: nowMs, invite: inviteOf(request), asker: askerOf(request),
      variables: { ...inboundVariables(request.headers), sip_call_id: request.sipCallId.slice(0, 256) },
    };
  }

  /**
   * The same INVITE once more: the worker did not hear the answer, or a proxy tries another worker. It stays one call, and
   * with the worker that has it; another one gets it when that one is gone, or never took it.
   */
  private async again(known: KnownInboundCall, route: InboundRoute, request: InboundRequest): Promise<InboundDecision> {
    if (known.state === 'ended' || known.state === 'refused') return refuse(482, 'Merged Request');
    const kept = isSame(known.asker, request) ? undefined : await this.keptByAnother(known, route.workspace_id, request);
    if (kept) return kept;
    const version = await this.calls.botVersion(route.workspace_id, known.bot_id, known.bot_version);
    if (!version) return refuse(404, 'Not Found');
    const settings = this.settings.of({ id: known.bot_id, version: known.bot_version, ...version, trunk: null });
    const acceptedAtMs = known.accepted_at.getTime();
    const announcement = checkActiveHours(settings.activeHours, acceptedAtMs).open ? undefined : settings.activeHours?.closedMessage;
    const call = {
      id: known.id, workspaceId: route.workspace_id, botId: known.bot_id, botVersion: known.bot_version, fromNumber: known.from_number,
      toNumber: known.to_number, variables: known.variables, acceptedAtMs,
    };
    return { action: 'take', plan: this.plan(call, route, settings, announcement) };
  }

  private async keptByAnother(known: KnownInboundCall, workspaceId: string, request: InboundRequest): Promise<Refusal | undefined> {
    const nowMs = this.clock.nowMs();
    if (known.state === 'accepted' && nowMs - known.asked_at.getTime() < HAND_OVER_AFTER_MS) return refuse(503, 'Asked By Another Worker', LINES_RETRY_SECONDS);
    const holder = this.fleet.workers().find(({ id, epoch }) => id === known.worker_id && epoch === known.worker_epoch);
    if (known.state !== 'accepted' && holder !== undefined && holder.status !== 'unreachable') return refuse(482, 'Merged Request');
    const isOurs = await this.calls.handOver(workspaceId, inviteOf(request), known.asker, askerOf(request), nowMs);
    return isOurs ? undefined : refuse(503, 'Asked By Another Worker', LINES_RETRY_SECONDS);
  }

  private plan(call: Omit<InboundCall, 'callerId' | 'invite' | 'trunkId' | 'asker'>, route: InboundRoute, settings: BotSettings, announcement: string | undefined): CallPlan<BotSettings> {
    return {
      sessionId: call.id, workspaceId: call.workspaceId, botId: call.botId, botVersion: call.botVersion, bot: settings, direction: 'inbound',
      trunk: trunkPlan(route.trunk, this.box), toNumber: call.toNumber, fromNumber: call.fromNumber, dialUser: '', variables: call.variables,
      ringTimeoutMs: settings.ringTimeoutSeconds * 1000, maxDurationMs: settings.maxCallDurationSeconds * 1000, record: settings.recording,
      acceptedAt: new Date(call.acceptedAtMs).toISOString(), claimDeadlineMs: call.acceptedAtMs,
      ...(announcement === undefined ? {} : { announcement }),
    };
  }
}

const askerOf = ({ workerId, epoch }: InboundRequest): Asker => ({ workerId, epoch });
const isSame = (a: Asker, b: Asker): boolean => a.workerId === b.workerId && a.epoch === b.epoch;

/** Call-ID and From tag stay the same over retransmissions and over a proxy's next try (RFC 3261 §8.2.2.2). */
const inviteOf = ({ sipCallId, fromTag }: InboundRequest): string => `${sipCallId}\n${fromTag}`;
