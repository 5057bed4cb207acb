import { join, resolve } from 'node:path';
import { parseSecretKey } from '@dialfleet/database';
import { envHttpUrl, envInteger, envLogLevel, envRequired, envText, type Env, type LogLevel } from '@dialfleet/kit';

export interface GatewaySettings {
  host: string;
  /** 0: any free port. */
  port: number;
  databaseUrl: string;
  databasePool: number;
  natsUrl: string;
  /** Origin of links in results, without a trailing slash; null: the address it listens on. */
  publicUrl: string | null;
  secretKey: Buffer;
  recordingsDir: string;
  /** CIDRs that pushes may reach besides public addresses; where there are any, plain http endpoints may be saved. */
  egressAllow: string;
  logLevel: LogLevel;
}

/** @throws SettingError naming the variable. */
export function gatewaySettings(env: Env): GatewaySettings {
  return {
    host: envText(env, 'DIALFLEET_HOST', '0.0.0.0'),
    port: envInteger(env, 'DIALFLEET_PORT', 3000, { min: 0, max: 65535 }),
    databaseUrl: envRequired(env, 'DATABASE_URL', 'the connection string of the PostgreSQL database'),
    databasePool: envInteger(env, 'DIALFLEET_DATABASE_POOL', 10, { min: 1, max: 200 }),
    natsUrl: envText(env, 'NATS_URL', 'nats://127.0.0.1:4222'),
    publicUrl: envHttpUrl(env, 'DIALFLEET_PUBLIC_URL', null),
    secretKey: parseSecretKey(envRequired(env, 'DIALFLEET_SECRET_KEY', '32 random bytes as base64 or hex, the same for every service')),
    recordingsDir: join(resolve(envText(env, 'DIALFLEET_DATA_DIR', '.data')), 'recordings'),
    egressAllow: envText(env, 'DIALFLEET_EGRESS_ALLOW', ''),
    logLevel: envLogLevel(env, 'DIALFLEET_LOG_LEVEL'),
  };
}
