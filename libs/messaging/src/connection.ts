import type { Logger } from '@dialfleet/kit';
import { errorMessage } from '@dialfleet/kit';
import { connect, type NatsConnection } from '@nats-io/transport-node';

export interface NatsSettings {
  /** `nats://[user:password@]host:port`, several separated by commas. */
  url: string;
  /** Shown in the server's connection list. */
  name: string;
  logger: Logger;
  /** How long the first connection may take before start-up fails. */
  firstConnectTimeoutMs?: number;
}

/** Options that every connection to NATS shares, Nest's own included: it comes back for ever, and says where it stands. */
export function natsOptions(settings: Pick<NatsSettings, 'url' | 'name' | 'firstConnectTimeoutMs'>) {
  const { servers, user, pass } = parseNatsUrl(settings.url);
  return {
    servers, user, pass, name: settings.name, maxReconnectAttempts: -1, reconnectTimeWait: 250, reconnectJitter: 250,
    pingInterval: 5000, maxPingOut: 2, timeout: settings.firstConnectTimeoutMs ?? 5000,
  };
}

/** @throws Error with one plain sentence when the broker cannot be reached. */
export async function connectNats(settings: NatsSettings): Promise<NatsConnection> {
  let connection: NatsConnection;
  try {
    connection = await connect(natsOptions(settings));
  } catch (error) {
    throw new Error(`cannot reach NATS at ${redactNatsUrl(settings.url)}: ${errorMessage(error)}`, { cause: error });
  }
  void logStatus(connection, settings.logger);
  return connection;
}

async function logStatus(connection: NatsConnection, logger: Logger): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === 'disconnect') logger.warn('NATS connection lost', { server: status.server });
    else if (status.type === 'reconnect') logger.info('NATS connection restored', { server: status.server });
    else if (status.type === 'error') logger.error('NATS error', { error: String(status.error) });
  }
}

function parseNatsUrl(url: string): { servers: string[]; user?: string; pass?: string } {
  const parsed = url.split(',').map((part) => new URL(part.includes('://') ? part.trim() : `nats://${part.trim()}`));
  const { username, password } = parsed[0];
  return { servers: parsed.map((u) => u.host), ...(username ? { user: decodeURIComponent(username), pass: decodeURIComponent(password) } : {}) };
}

export const redactNatsUrl = (url: string): string => url.replace(/\/\/[^@/]*@/g, '//***@');
