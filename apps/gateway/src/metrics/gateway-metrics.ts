import { summarise } from '@dialfleet/fleet';
import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { FleetPort } from '../fleet/fleet-port.js';

/** What operators watch, in Prometheus' text format. Routes are labelled by pattern, never by path. */
@Injectable()
export class GatewayMetrics {
  readonly registry = new Registry();

  private readonly requests = new Histogram({
    name: 'dialfleet_http_request_duration_seconds', help: 'Time to answer HTTP requests', labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5], registers: [this.registry],
  });
  private readonly dialouts = new Counter({ name: 'dialfleet_dialouts_total', help: 'Dialouts by outcome: ok or the problem code', labelNames: ['outcome'], registers: [this.registry] });
  private readonly inbounds = new Counter({ name: 'dialfleet_inbound_calls_total', help: 'Inbound calls by what the worker was told: ok or the SIP status', labelNames: ['outcome'], registers: [this.registry] });

  constructor(fleet: FleetPort) {
    collectDefaultMetrics({ register: this.registry });
    const slots = new Gauge({
      name: 'dialfleet_fleet_slots', help: 'Slots of the fleet as this gateway sees it', labelNames: ['state'], registers: [this.registry],
      collect: () => {
        const { calls, max, available } = summarise(fleet.workers());
        slots.set({ state: 'busy' }, calls);
        slots.set({ state: 'available' }, available);
        slots.set({ state: 'total' }, max);
      },
    });
    const workers = new Gauge({
      name: 'dialfleet_fleet_workers', help: 'Workers by status', labelNames: ['status'], registers: [this.registry],
      collect: () => {
        const { ready, draining, unreachable } = summarise(fleet.workers());
        workers.set({ status: 'ready' }, ready);
        workers.set({ status: 'draining' }, draining);
        workers.set({ status: 'unreachable' }, unreachable);
      },
    });
  }

  answered(method: string, route: string, status: number, elapsedMs: number): void {
    this.requests.observe({ method, route, status: String(status) }, elapsedMs / 1000);
  }

  dialout(outcome: string): void { this.dialouts.inc({ outcome }); }
  inbound(outcome: string): void { this.inbounds.inc({ outcome }); }
}
