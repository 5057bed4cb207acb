import { checkActiveHours, stringifyVariables, type BotSettings } from '@dialfleet/bot';
import type { DialoutRequest, DialoutResponse } from '@dialfleet/contracts';
import { DialoutRepository, isId, SecretBox, type DialoutBot, type IdempotencyClaim, type NewCall } from '@dialfleet/database';
import { explainNoCapacity, type ClaimOutcome } from '@dialfleet/fleet';
import { maskNumber, uuidV7, type Clock, type Logger } from '@dialfleet/kit';
import { Inject, Injectable } from '@nestjs/common';
import { mayUseBot, type Principal } from '../auth/principal.js';
import { FleetPort } from '../fleet/fleet-port.js';
import { invalidField, ProblemError } from '../http/problem.js';
import { CLOCK, LOGGER } from '../tokens.js';
import { BotSettingsCache } from './bot-settings-cache.js';
import { callPlan } from './call-plan.js';
import { routeCall, wantedNumbers, type CallRoute } from './route-call.js';
import { TrunkLimits } from './trunk-limits.js';

const CAPACITY_RETRY_SECONDS = 5;
const BROKER_RETRY_SECONDS = 2;
const IN_FLIGHT_RETRY_SECONDS = 1;

/** One dialout, checked in the order of the contract: key and body before it comes here, then bot, hours, destination, trunk, capacity. */
@Injectable()
export class DialoutService {
  constructor(
    private readonly dialouts: DialoutRepository,
    private readonly fleet: FleetPort,
    private readonly box: SecretBox,
    private readonly settings: BotSettingsCache,
    private readonly limits: TrunkLimits,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async dialOut(principal: Principal, request: DialoutRequest, claim: IdempotencyClaim | undefined): Promise<DialoutResponse> {
    const variables = variablesOf(request);
    if (!mayUseBot(principal, request.bot_id)) throw new ProblemError('forbidden', 'This key may not use this bot.');
    const earlier = claim && await this.earlierAnswer(principal, claim);
    if (earlier) return earlier;

    const bot = await this.findBot(principal, request.bot_id);
    // Only the trunk tells whether a number is well written, yet it is the body that is wrong then: that comes first.
    const numbers = wantedNumbers(request, bot?.trunk ?? null);
    if (!bot) throw new ProblemError('bot_not_found', 'There is no bot with this id.');
    const settings = this.settings.of(bot);
    this.requireActiveHours(settings);
    const route = await routeCall(numbers, bot.trunk, (number) => this.dialouts.ownsNumber(principal.workspaceId, number));
    this.requireWorkers();

    const call: NewCall = {
      id: uuidV7(this.clock.nowMs()), workspaceId: principal.workspaceId, botId: bot.id, botVersion: bot.version, trunkId: route.trunk.id,
      fromNumber: route.fromNumber, toNumber: route.toNumber, variables, acceptedAtMs: this.clock.nowMs(),
    };
    const isAccepted = await this.limits.within(principal.workspaceId, route.trunk, () => this.dialouts.accept(call, claim));
    if (!isAccepted) return await this.earlierAnswer(principal, claim as IdempotencyClaim) ?? inFlight();
    return this.claimWorker(call, route, settings, claim);
  }

  /** What this key was answered before, if anything. @throws ProblemError 409, 422 */
  private async earlierAnswer(principal: Principal, claim: IdempotencyClaim): Promise<DialoutResponse | undefined> {
    const known = await this.dialouts.keyState(principal.workspaceId, claim, this.clock.nowMs());
    switch (known.state) {
      case 'free': return undefined;
      case 'answered': return answer(known.sessionId);
      case 'in_flight': return inFlight();
      case 'other_body': throw invalidField('Idempotency-Key', 'was used with another body');
    }
  }

  private async findBot(principal: Principal, botId: string): Promise<DialoutBot | null> {
    return isId(botId) ? this.dialouts.findBot(principal.workspaceId, botId) : null;
  }

  private requireActiveHours(settings: BotSettings): void {
    const nowMs = this.clock.nowMs();
    const verdict = checkActiveHours(settings.activeHours, nowMs);
    if (verdict.open) return;
    const nextOpenAt = verdict.nextOpenAt.toISOString();
    throw new ProblemError('outside_active_hours', `The bot does not call at this hour; it does again from ${nextOpenAt}.`, {
      retryAfterSeconds: Math.max(1, Math.ceil((verdict.nextOpenAt.getTime() - nowMs) / 1000)), members: { next_open_at: nextOpenAt },
    });
  }

  /** Says no before anything is stored, where the fleet's own view already says so. */
  private requireWorkers(): void {
    if (!this.fleet.isConnected) throw brokerAway('The message broker cannot be reached at the moment.');
    const workers = this.fleet.workers();
    if (!workers.some((worker) => worker.free > 0)) throw noCapacity(explainNoCapacity(workers));
  }

  private async claimWorker(call: NewCall, route: CallRoute, settings: BotSettings, claim: IdempotencyClaim | undefined): Promise<DialoutResponse> {
    const outcome = await this.fleet.claim(callPlan(call, route, settings, this.box));
    const log = this.logger.child({ session_id: call.id, bot_id: call.botId, to: maskNumber(call.toNumber) });
    if (!outcome.ok) {
      log.info('dialout refused', { code: outcome.code, detail: outcome.detail });
      await this.takeBack(call, outcome, claim);
      throw outcome.code === 'no_capacity' ? noCapacity(outcome.detail) : brokerAway(outcome.detail, outcome.ambiguous ? { session_id: call.id } : {});
    }
    const response = answer(call.id);
    const stored = this.dialouts.claimed(call, outcome, claim?.key, response)
      .catch((error: unknown) => log.warn('the claim is not on the call row yet; its events will say it', { error }));
    if (claim) await stored;
    log.info('dialout accepted', { worker_id: outcome.workerId });
    return response;
  }

  /** Where a worker may run the call after all, its row and key stay: it gets its one result, and is never dialled twice. */
  private async takeBack(call: NewCall, outcome: Extract<ClaimOutcome, { ok: false }>, claim: IdempotencyClaim | undefined): Promise<void> {
    if (outcome.ambiguous) return;
    await this.dialouts.refused(call, outcome.code, claim?.key)
      .catch((error: unknown) => this.logger.warn('a refused call could not be marked; it will be settled', { session_id: call.id, error }));
  }
}

function variablesOf({ variables, connected_event }: DialoutRequest): Record<string, string> {
  if (variables && connected_event) throw invalidField('connected_event', 'is the former name of variables: send one of them');
  return stringifyVariables(variables ?? connected_event ?? {});
}

const answer = (sessionId: string): DialoutResponse => ({ status: 'ok', call_id: sessionId, session_id: sessionId });
const noCapacity = (detail: string): ProblemError => new ProblemError('no_capacity', detail, { retryAfterSeconds: CAPACITY_RETRY_SECONDS });
const brokerAway = (detail: string, members: Record<string, unknown> = {}): ProblemError =>
  new ProblemError('unavailable', detail, { retryAfterSeconds: BROKER_RETRY_SECONDS, members });

function inFlight(): never {
  throw new ProblemError('idempotency_in_flight', 'A request with this Idempotency-Key is still being processed.', { retryAfterSeconds: IN_FLIGHT_RETRY_SECONDS });
}
