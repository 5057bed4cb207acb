import { envInteger, envPortRange, envText, SettingError, type Env } from '@dialfleet/kit';

export interface LauncherSettings {
  port: number;
  dataDir: string;
  workers: number;
  maxCalls: number;
  sipPort: number;
  /** Null: the workers have no certificate, and do not listen for TLS. */
  sipTlsPort: number | null;
  /** 0: the workers do not listen for WebSockets. */
  sipWebSocketPort: number;
  rtpPorts: { min: number; max: number };
  natsUrl: string;
  databaseUrl: string;
  publicUrl: string;
  secretKey: string;
  drainTimeoutSeconds: number;
}

/** @throws SettingError naming the variable. */
export function launcherSettings(env: Env): LauncherSettings {
  const settings: LauncherSettings = {
    port: envInteger(env, 'DIALFLEET_PORT', 3000, { min: 0, max: 65535 }),
    dataDir: envText(env, 'DIALFLEET_DATA_DIR', '.data'),
    workers: envInteger(env, 'DIALFLEET_WORKERS', 1, { min: 0, max: 64 }),
    maxCalls: envInteger(env, 'DIALFLEET_MAX_CALLS', 10, { min: 1, max: 2000 }),
    sipPort: envInteger(env, 'DIALFLEET_SIP_PORT', 5060, { min: 0, max: 65535 }),
    sipTlsPort: tlsPort(env),
    sipWebSocketPort: envInteger(env, 'DIALFLEET_SIP_WS_PORT', 0, { min: 0, max: 65535 }),
    rtpPorts: envPortRange(env, 'DIALFLEET_RTP_PORTS', { min: 30000, max: 39999 }),
    natsUrl: envText(env, 'NATS_URL', ''),
    databaseUrl: envText(env, 'DATABASE_URL', ''),
    publicUrl: envText(env, 'DIALFLEET_PUBLIC_URL', ''),
    secretKey: envText(env, 'DIALFLEET_SECRET_KEY', ''),
    drainTimeoutSeconds: envInteger(env, 'DIALFLEET_DRAIN_TIMEOUT_SECONDS', 600, { min: 0, max: 86_400 }),
  };
  requireRoom(settings);
  return settings;
}

function tlsPort(env: Env): number | null {
  if (!envText(env, 'DIALFLEET_SIP_TLS_CERT', '')) return null;
  return envInteger(env, 'DIALFLEET_SIP_TLS_PORT', env.DIALFLEET_SIP_PORT === '0' ? 0 : 5061, { min: 0, max: 65535 });
}

/** Each worker needs ports of its own. */
function requireRoom({ workers, sipPort, sipTlsPort, sipWebSocketPort, rtpPorts }: LauncherSettings): void {
  if (sipPort + workers - 1 > 65_535) throw new SettingError(`DIALFLEET_SIP_PORT ${sipPort} leaves no ports for ${workers} workers: each takes the next one`);
  requireApart(workers, [['DIALFLEET_SIP_PORT', sipPort], ['DIALFLEET_SIP_TLS_PORT', sipTlsPort ?? 0], ['DIALFLEET_SIP_WS_PORT', sipWebSocketPort]]);
  const { min, max } = portShare(rtpPorts, 0, Math.max(1, workers));
  if (max - min < 3) throw new SettingError(`DIALFLEET_RTP_PORTS ${rtpPorts.min}-${rtpPorts.max} is too narrow for ${workers} workers: each call takes two ports`);
}

/** Each worker takes the next number of each; 0 is any, or none. */
function requireApart(workers: number, ports: readonly (readonly [name: string, port: number])[]): void {
  for (const [i, [name, port]] of ports.entries()) {
    const near = ports.slice(0, i).find(([, other]) => other > 0 && port > 0 && Math.abs(port - other) < workers);
    if (near) throw new SettingError(`${name} ${port} is too close to ${near[0]} ${near[1]} for ${workers} workers: each takes the next ports`);
  }
}

/** An equal share of the RTP ports for each worker, beginning on even ports (RTP even, RTCP odd: RFC 3550 §11). */
export function portShare(range: { min: number; max: number }, index: number, of: number): { min: number; max: number } {
  const share = Math.floor((range.max - range.min + 1) / of / 2) * 2;
  const first = range.min + (range.min % 2);
  return { min: first + index * share, max: Math.min(range.max, first + (index + 1) * share - 1) };
}
