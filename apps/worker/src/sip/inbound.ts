import type { BotSettings } from '@dialfleet/bot';
import type { CallLeg, CallPlan } from '@dialfleet/call';
import type { InboundDecision, TrunkEntry } from '@dialfleet/fleet';
import type { Clock, Logger } from '@dialfleet/kit';
import { request, subjects } from '@dialfleet/messaging';
import type { Admission } from '@dialfleet/telephony';
import type { NatsConnection } from '@nats-io/transport-node';
import type { CallSlots } from '../fleet/call-slots.js';
import { InboundCalls, type InboundSession } from './inbound-calls.js';
import { InboundGate, type UnknownSource } from './inbound-gate.js';
import { InboundSources } from './inbound-sources.js';
import type { SipLegs } from './sip-legs.js';
import type { TrunkDirectory } from './trunk-directory.js';

/** A caller hears nothing meanwhile but that the call is being tried. */
const ASK_TIMEOUT_MS = 2_000;

export interface InboundSetup {
  nc: NatsConnection;
  worker: { workerId: string; epoch: string };
  trunks: TrunkDirectory;
  slots: CallSlots;
  admission: Admission;
  unknownSource: UnknownSource;
  /** Of digest challenges. */
  realm: string;
  begin(plan: CallPlan<BotSettings>, leg: CallLeg): InboundSession;
  sip: Pick<SipLegs, 'onInvite' | 'listenTowards' | 'addressesOf'>;
  clock: Clock;
  logger: Logger;
}

/** Joins what takes calls that come in. Returns the function that stops looking up the trunks' addresses. */
export function takeInboundCalls({ nc, worker, trunks, slots, admission, unknownSource, realm, begin, sip, clock, logger }: InboundSetup): () => void {
  const sources = new InboundSources((trunk) => sip.addressesOf(trunk), clock, logger);
  const learn = (entries: readonly TrunkEntry[]): void => {
    sources.learn(entries);
    for (const { trunk } of entries) void sip.listenTowards(trunk);
  };
  learn(trunks.entries);
  trunks.events.on('changed', learn);
  const gate = new InboundGate({ sources, trunks, unknownSource, realm, clock, logger });
  admission.isKnown = (address) => gate.isKnown(address);
  admission.admit = (knock, source) => gate.admit(knock, source.address);
  const calls = new InboundCalls({
    gate, slots, worker, begin, logger, ask: (question) => request<InboundDecision>(nc, subjects.inbound, question, ASK_TIMEOUT_MS),
  });
  sip.onInvite((call) => calls.invited(call));
  return () => { sources.stop(); };
}
