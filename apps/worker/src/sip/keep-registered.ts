import type { TrunkEntry } from '@dialfleet/fleet';
import type { Clock, Logger } from '@dialfleet/kit';
import { LEASE_TTL_MS, RegistrationStore } from '@dialfleet/messaging';
import type { NatsConnection } from '@nats-io/transport-node';
import type { CallSlots } from '../fleet/call-slots.js';
import { leaseTimes } from './registration-lease.js';
import { Registrations } from './registrations.js';
import type { SipLegs } from './sip-legs.js';
import type { TrunkDirectory } from './trunk-directory.js';

export interface KeepRegisteredParts {
  nc: NatsConnection;
  worker: { workerId: string; epoch: string };
  trunks: TrunkDirectory;
  slots: CallSlots;
  sip: SipLegs;
  clock: Clock;
  logger: Logger;
}

/** Joins what keeps trunks registered. The returned function unregisters and gives way to other workers; so does draining. */
export function keepRegistered({ nc, worker, trunks, slots, sip, clock, logger }: KeepRegisteredParts): () => Promise<void> {
  const registry = new RegistrationStore(nc);
  const registrations = new Registrations({
    worker, registry, times: leaseTimes(LEASE_TTL_MS), clock, logger,
    open: ({ trunk }: TrunkEntry) => async (onFlowLost) => (await sip.towards(trunk)).createRegistrar({ trunk, instance: worker.epoch, onFlowLost }),
  });
  const routes = new Map<string, readonly string[]>();
  sip.serviceRouteOf = (trunkId) => routes.get(trunkId) ?? [];
  const unfollow = [
    trunks.events.on('changed', (entries) => { registrations.learn(entries); }),
    registry.followLeases((trunkId, owner) => { registrations.heardLease(trunkId, owner); }, clock, logger),
    registry.followStates((trunkId, state) => {
      if (state?.registered && state.serviceRoute) routes.set(trunkId, state.serviceRoute); else routes.delete(trunkId);
    }, clock, logger),
    slots.events.on('changed', () => { if (slots.status === 'draining') void end(); }),
  ];
  let ending: Promise<void> | undefined;
  const end = (): Promise<void> => ending ??= registrations.end();
  registrations.learn(trunks.entries);
  return async () => {
    await end();
    for (const stop of unfollow) stop();
  };
}
