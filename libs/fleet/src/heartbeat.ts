export type WorkerStatus = 'ready' | 'draining';

/** Published by each worker on `fleet.heartbeat.<worker_id>`, every second and on every change. */
export interface Heartbeat {
  workerId: string;
  /** Changes with each start of the process: fences a reborn worker from its former self. */
  epoch: string;
  status: WorkerStatus;
  calls: number;
  max: number;
  version: string;
  /** Unix ms. */
  startedAtMs: number;
  /** Host or address at which its SIP and RTP are reached. */
  mediaAddress: string;
  /** `address:port` that INVITEs are sent to; absent from older workers. */
  sipAddress?: string;
  /** 0..1, for display; never decides a claim. */
  cpuLoad: number;
}

export const HEARTBEAT_INTERVAL_MS = 1000;
/** A worker not heard from for this long is unreachable: it counts no capacity. */
export const UNREACHABLE_AFTER_MS = 3000;
/** …and is forgotten after this long. */
export const FORGET_AFTER_MS = 60_000;
