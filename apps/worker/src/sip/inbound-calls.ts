import type { BotSettings } from '@dialfleet/bot';
import type { CallLeg, CallPlan } from '@dialfleet/call';
import type { InboundDecision, InboundRequest, TrunkEntry } from '@dialfleet/fleet';
import { errorMessage, maskNumber, type Logger } from '@dialfleet/kit';
import { contactUserOf, type IncomingCall } from '@dialfleet/telephony';
import type { CallSlots, RunningCall } from '../fleet/call-slots.js';
import { readClaim } from '../fleet/claim-request.js';
import type { InboundGate } from './inbound-gate.js';
import { inboundRequest } from './inbound-request.js';

/** A full worker's calls end within minutes; a gateway or broker is back within seconds. */
const FULL_RETRY_SECONDS = 5;
const DRAINING_RETRY_SECONDS = 30;
const UNAVAILABLE_RETRY_SECONDS = 2;

/** CallSession as it is begun for a caller. */
export interface InboundSession extends RunningCall { callerLeft(): void }

export interface InboundParts {
  gate: Pick<InboundGate, 'trunksOf'>;
  slots: Pick<CallSlots, 'reserve'>;
  worker: { workerId: string; epoch: string };
  trunks?: { readonly entries: readonly TrunkEntry[] };
  /** `fleet.inbound`. Rejects within seconds when no gateway answers. */
  ask(request: InboundRequest): Promise<InboundDecision>;
  begin(plan: CallPlan<BotSettings>, leg: CallLeg): InboundSession;
  logger: Logger;
}

/** Calls that come in to this worker: a slot first, then the gateway's word, then the session. */
export class InboundCalls {
  constructor(private readonly parts: InboundParts) {}

  async invited(call: IncomingCall): Promise<void> {
    const { gate, slots, worker, logger } = this.parts;
    const trunkIds = gate.trunksOf({ callId: call.callId, address: call.source.address });
    if (trunkIds.length === 0) { call.reject(403); return; }
    const reservation = slots.reserve();
    if (!reservation.ok) {
      logger.info('inbound call refused', { reason: reservation.reason, to: maskNumber(call.toUser) });
      call.reject(503, { retryAfterSeconds: reservation.reason === 'full' ? FULL_RETRY_SECONDS : DRAINING_RETRY_SECONDS });
      return;
    }
    const { slot } = reservation;
    let hasLeft = false;
    const stopListening = call.leg.events.on('hungUp', () => { hasLeft = true; });
    try {
      const decision = await this.parts.ask(inboundRequest(call, worker, trunkIds, this.contactUsers(trunkIds)));
      if (decision.action === 'refuse') { call.reject(decision.sipStatus, { reason: decision.reason, retryAfterSeconds: decision.retryAfterSeconds }); return; }
      const plan = readClaim(decision);
      if (!plan.ok) throw new Error(`unreadable plan: ${plan.detail}`);
      const begun = slot.take(plan.value.sessionId, () => this.begin(plan.value as CallPlan<BotSettings>, call, hasLeft));
      if (!begun) call.reject(482, { reason: 'Merged Request' });
    } catch (error) {
      logger.warn('nobody decides about an inbound call', { to: maskNumber(call.toUser), error: errorMessage(error) });
      call.reject(503, { retryAfterSeconds: UNAVAILABLE_RETRY_SECONDS });
    } finally {
      stopListening();
      slot.free();
    }
  }

  private contactUsers(trunkIds: readonly string[]): Set<string> {
    const { trunks } = this.parts;
    return new Set(trunks?.entries.flatMap(({ register, trunk: { trunkId, username } }) => (register && username !== undefined && trunkIds.includes(trunkId) ? [decodeURIComponent(contactUserOf(username))] : [])));
  }

  /** The call is stored, so it gets its result also when the caller has gone meanwhile. */
  private begin(plan: CallPlan<BotSettings>, call: IncomingCall, hasLeft: boolean): InboundSession {
    call.obey(plan.trunk);
    const session = this.parts.begin(plan, call.leg);
    if (hasLeft) session.callerLeft();
    return session;
  }
}
