import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { parseSecretKey } from '@dialfleet/database';
import { envAllowList, type Cidr } from '@dialfleet/egress';
import { envHttpUrl, envInteger, envLogLevel, envRequired, envText, type Env, type LogLevel } from '@dialfleet/kit';

export interface PushSettings {
  /** New with each start: signs the leases of this process. */
  instance: string;
  databaseUrl: string;
  databasePool: number;
  natsUrl: string;
  secretKey: Buffer;
  /** Origin of `recording_url`, without a trailing slash. */
  publicUrl: string;
  recordingsDir: string;
  /** Ranges that pushes may reach besides public addresses. */
  egressAllow: Cidr[];
  /** Copies of the stream in a NATS cluster; counts when the stream is created. */
  streamReplicas: number;
  /** Rewritten every second while all is well; empty: none. */
  healthFile: string;
  logLevel: LogLevel;
}

/** @throws SettingError, or Error, naming the variable. */
export function pushSettings(env: Env): PushSettings {
  return {
    instance: `push-${randomBytes(6).toString('hex')}`,
    databaseUrl: envRequired(env, 'DATABASE_URL', 'the connection string of the PostgreSQL database'),
    databasePool: envInteger(env, 'DIALFLEET_DATABASE_POOL', 10, { min: 2, max: 200 }),
    natsUrl: envText(env, 'NATS_URL', 'nats://127.0.0.1:4222'),
    secretKey: parseSecretKey(envRequired(env, 'DIALFLEET_SECRET_KEY', '32 random bytes as base64 or hex, the same for every service')),
    publicUrl: envHttpUrl(env, 'DIALFLEET_PUBLIC_URL', 'http://127.0.0.1:3000'),
    recordingsDir: join(resolve(envText(env, 'DIALFLEET_DATA_DIR', '.data')), 'recordings'),
    egressAllow: envAllowList(env, 'DIALFLEET_EGRESS_ALLOW'),
    streamReplicas: envInteger(env, 'DIALFLEET_STREAM_REPLICAS', 1, { min: 1, max: 5 }),
    healthFile: envText(env, 'DIALFLEET_HEALTH_FILE', ''),
    logLevel: envLogLevel(env, 'DIALFLEET_LOG_LEVEL'),
  };
}
