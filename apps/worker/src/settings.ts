import { randomBytes } from 'node:crypto';
import { envAllowList, type Cidr } from '@dialfleet/egress';
import { envInteger, envLogLevel, envPortRange, envText, SettingError, type Env, type LogLevel } from '@dialfleet/kit';
import type { ServerTls } from '@dialfleet/telephony';
import { join, resolve } from 'node:path';
import { readSipCertificate } from './sip/sip-certificate.js';
import { digestAlgorithms, type DigestAlgorithm } from './sip/inbound-digest.js';
import type { UnknownSource } from './sip/inbound-gate.js';

export interface WorkerSettings {
  workerId: string;
  /** New with each start: fences this process from its former self. */
  epoch: string;
  maxCalls: number;
  natsUrl: string;
  dataDir: string;
  recordingsDir: string;
  journalDir: string;
  sipPort: number;
  /** What TLS and WSS listeners show; null: the worker only connects over them. */
  sipTls: ServerTls | null;
  /** The same from the files as they are now. */
  readSipTls: () => ServerTls | null;
  /** 0: any. Without `sipTls` nothing listens. */
  sipTlsPort: number;
  /** WSS with `sipTls`, else WS; null: nothing listens. */
  sipWebSocketPort: number | null;
  /** Calls that begin in a second, either way; more are refused. */
  maxSetUpsPerSecond: number;
  /** What callers get who are no trunk of ours and prove no credentials. */
  unknownSource: UnknownSource;
  /** What callers who authenticate are offered, in this order. */
  digestAlgorithms: DigestAlgorithm[];
  /** New requests a second from an address that is no trunk's. */
  strangerRequestsPerSecond: number;
  rtpPorts: { min: number; max: number };
  /** What SIP and SDP announce; null: the local address that routes to each trunk. */
  advertisedAddress: string | null;
  drainTimeoutMs: number;
  /** Ranges that pre-fetches may reach besides public addresses. */
  egressAllow: Cidr[];
  /** Touched every second while this worker works: for container health checks. '': none. */
  healthFile: string;
  logLevel: LogLevel;
}

/** @throws SettingError naming the variable. */
export function workerSettings(env: Env): WorkerSettings {
  const dataDir = resolve(envText(env, 'DIALFLEET_DATA_DIR', '.data'));
  return {
    workerId: workerId(envText(env, 'DIALFLEET_WORKER_ID', `w-${randomBytes(3).toString('hex')}`)),
    epoch: randomBytes(6).toString('hex'),
    maxCalls: envInteger(env, 'DIALFLEET_MAX_CALLS', 10, { min: 1, max: 2000 }),
    natsUrl: envText(env, 'NATS_URL', 'nats://127.0.0.1:4222'),
    dataDir,
    recordingsDir: join(dataDir, 'recordings'),
    journalDir: join(dataDir, 'journal'),
    sipPort: envInteger(env, 'DIALFLEET_SIP_PORT', 5060, { min: 0, max: 65535 }),
    sipTls: readSipCertificate(env),
    readSipTls: () => readSipCertificate(env),
    sipTlsPort: envInteger(env, 'DIALFLEET_SIP_TLS_PORT', env.DIALFLEET_SIP_PORT === '0' ? 0 : 5061, { min: 0, max: 65535 }),
    sipWebSocketPort: envInteger(env, 'DIALFLEET_SIP_WS_PORT', 0, { min: 0, max: 65535 }) || null,
    maxSetUpsPerSecond: envInteger(env, 'DIALFLEET_MAX_SETUPS_PER_SECOND', 200, { min: 1, max: 10_000 }),
    strangerRequestsPerSecond: envInteger(env, 'DIALFLEET_STRANGER_REQUESTS_PER_SECOND', 5, { min: 1, max: 10_000 }),
    digestAlgorithms: algorithms(envText(env, 'DIALFLEET_SIP_DIGEST_ALGORITHMS', 'SHA-256,MD5')),
    unknownSource: unknownSource(envText(env, 'DIALFLEET_SIP_UNKNOWN_SOURCE', 'silence')),
    rtpPorts: envPortRange(env, 'DIALFLEET_RTP_PORTS', { min: 30000, max: 39999 }),
    advertisedAddress: envText(env, 'DIALFLEET_ADVERTISED_ADDRESS', '') || null,
    drainTimeoutMs: envInteger(env, 'DIALFLEET_DRAIN_TIMEOUT_SECONDS', 600, { min: 0, max: 86_400 }) * 1000,
    egressAllow: envAllowList(env, 'DIALFLEET_EGRESS_ALLOW'),
    healthFile: envText(env, 'DIALFLEET_HEALTH_FILE', ''),
    logLevel: envLogLevel(env, 'DIALFLEET_LOG_LEVEL'),
  };
}

function unknownSource(text: string): UnknownSource {
  if (text === 'silence' || text === 'forbid') return text;
  throw new SettingError(`DIALFLEET_SIP_UNKNOWN_SOURCE must be silence or forbid, not ${JSON.stringify(text)}`);
}

function algorithms(text: string): DigestAlgorithm[] {
  const names = text.split(',').map((name) => name.trim().toUpperCase());
  const known = names.flatMap((name) => digestAlgorithms.find((algorithm) => algorithm === name) ?? []);
  if (known.length === names.length && new Set(known).size === known.length) return known;
  throw new SettingError(`DIALFLEET_SIP_DIGEST_ALGORITHMS must be ${digestAlgorithms.join(', ')} or both, not ${JSON.stringify(text)}`);
}

/** It becomes one token of NATS subjects. */
function workerId(text: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(text)) return text;
  throw new SettingError(`DIALFLEET_WORKER_ID may have letters, digits, "-" and "_", at most 64, not ${JSON.stringify(text)}`);
}
