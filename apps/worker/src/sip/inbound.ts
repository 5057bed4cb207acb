import type { BotSettings } from '@dialfleet/bot';
import type { CallLeg, CallPlan } from '@dialfleet/call';
import type { InboundDecision, InboundRequest, TrunkEntry } from '@dialfleet/fleet';
import type { Clock, Logger } from '@dialfleet/kit';
import { request, subjects } from '@dialfleet/messaging';
import type { Admission } from '@dialfleet/telephony';
import { TimeoutError, type NatsConnection } from '@nats-io/transport-node';
import type { CallSlots } from '../fleet/call-slots.js';
import { InboundCalls, type InboundSession } from './inbound-calls.js';
import type { DigestAlgorithm } from './inbound-digest.js';
import { InboundGate, type UnknownSource } from './inbound-gate.js';
import { InboundSources } from './inbound-sources.js';
import type { SipLegs } from './sip-legs.js';
import type { TrunkDirectory } from './trunk-directory.js';

/**
 * How long each question waits: a gateway may have died with it. Asking again is harmless, and a caller hears nothing
 * meanwhile but that the call is being tried.
 */
const ASK_TIMEOUTS_MS = [1_200, 1_200, 1_600];

export interface InboundSetup {
  nc: NatsConnection;
  worker: { workerId: string; epoch: string };
  trunks: TrunkDirectory;
  slots: CallSlots;
  admission: Admission;
  unknownSource: UnknownSource;
  /** Of digest challenges. */
  realm: string;
  digestAlgorithms: readonly DigestAlgorithm[];
  begin(plan: CallPlan<BotSettings>, leg: CallLeg): InboundSession;
  sip: Pick<SipLegs, 'onInvite' | 'listenTowards' | 'addressesOf'>;
  clock: Clock;
  logger: Logger;
}

async function askGateways(nc: NatsConnection, question: InboundRequest): Promise<InboundDecision> {
  for (const timeoutMs of ASK_TIMEOUTS_MS.slice(0, -1)) {
    try { return await request<InboundDecision>(nc, subjects.inbound, question, timeoutMs); } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    }
  }
  return request<InboundDecision>(nc, subjects.inbound, question, ASK_TIMEOUTS_MS[ASK_TIMEOUTS_MS.length - 1]);
}

/** Joins what takes calls that come in. Returns the function that stops looking up the trunks' addresses. */
export function takeInboundCalls({ nc, worker, trunks, slots, admission, unknownSource, realm, digestAlgorithms, begin, sip, clock, logger }: InboundSetup): () => void {
  const sources = new InboundSources((trunk) => sip.addressesOf(trunk), clock, logger);
  const learn = (entries: readonly TrunkEntry[]): void => {
    sources.learn(entries);
    for (const { trunk, inboundSources } of entries) void sip.listenTowards(trunk, inboundSources);
  };
  learn(trunks.entries);
  trunks.events.on('changed', learn);
  const gate = new InboundGate({ sources, trunks, unknownSource, realm, digestAlgorithms, clock, logger });
  admission.isKnown = (address) => gate.isKnown(address);
  admission.admit = (knock, source) => gate.admit(knock, source.address);
  const calls = new InboundCalls({
    gate, slots, worker, trunks, begin, logger, ask: (question) => askGateways(nc, question),
  });
  sip.onInvite((call) => calls.invited(call));
  return () => { sources.stop(); };
}
