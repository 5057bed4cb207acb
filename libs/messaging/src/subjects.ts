/** Every NATS subject of the platform, built here and nowhere else (docs/architecture.md, NATS). */
export const subjects = {
  heartbeat: (workerId: string): string => `fleet.heartbeat.${token(workerId)}`,
  heartbeats: 'fleet.heartbeat.*',
  claim: (workerId: string): string => `fleet.worker.${token(workerId)}.claim`,
  command: (workerId: string): string => `fleet.worker.${token(workerId)}.command`,
  inbound: 'fleet.inbound',
  trunks: 'fleet.trunks',
  /** Published by a gateway whenever a trunk is made, changed or removed: workers ask `fleet.trunks` again. */
  trunksChanged: 'fleet.trunks.changed',
  callEvent: (sessionId: string): string => `call.event.${token(sessionId)}`,
  callEvents: 'call.event.*',
  callEnded: (sessionId: string): string => `call.ended.${token(sessionId)}`,
  callsEnded: 'call.ended.*',
} as const;

export const CALLS_STREAM = 'CALLS';
/** KV buckets: who may register a trunk (entries expire unless renewed), and how its registration stands. */
export const REGISTRATION_LEASES = 'registration_leases';
export const REGISTRATIONS = 'registrations';
/** Queue group of the gateways on `fleet.inbound`. */
export const GATEWAY_QUEUE = 'gateway';

/** One subject token: no separators, wildcards or spaces may come in with an id. */
function token(id: string): string {
  if (!/^[A-Za-z0-9_-]+$/.test(id)) throw new Error(`not usable in a NATS subject: ${JSON.stringify(id)}`);
  return id;
}
