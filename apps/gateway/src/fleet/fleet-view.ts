import type { FleetHealth } from '@dialfleet/contracts';
import { summarise, type WorkerView } from '@dialfleet/fleet';

/** The fleet on the wire. */
export function fleetHealth(workers: readonly WorkerView[]): FleetHealth {
  const { calls, max, available } = summarise(workers);
  return {
    status: 'ok', fleet_calls: calls, fleet_max: max, fleet_available: available,
    workers: workers.map((w) => ({
      id: w.id, status: w.status, calls: w.calls, max: w.max, version: w.version, uptime_seconds: w.uptimeSeconds, heartbeat_age_ms: w.heartbeatAgeMs,
      ...(w.sipAddress === undefined ? {} : { sip_address: w.sipAddress }),
    })),
  };
}
