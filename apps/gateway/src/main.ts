import 'reflect-metadata';
import { assertMigrated, assertReachable, createDatabase, ownsItsSessions } from '@dialfleet/database';
import { errorMessage, jsonLogger, systemClock, type Logger } from '@dialfleet/kit';
import { connectNats, FleetClient } from '@dialfleet/messaging';
import { FolderRecordingStore } from '@dialfleet/storage';
import { NatsEventFeed } from './calls/nats-event-feed.js';
import { createGateway } from './gateway-app.js';
import { gatewaySettings, type GatewaySettings } from './settings.js';

const logger = jsonLogger('info', (line) => process.stderr.write(`${line}\n`), { service: 'gateway' });

start().catch((error: unknown) => {
  logger.error(`gateway cannot start: ${errorMessage(error)}`);
  process.exit(1);
});

async function start(): Promise<void> {
  const settings = gatewaySettings(process.env);
  const log = jsonLogger(settings.logLevel, (line) => process.stderr.write(`${line}\n`), { service: 'gateway' });
  await assertReachable(settings.databaseUrl);
  await assertMigrated(settings.databaseUrl);
  const nc = await connectNats({ url: settings.natsUrl, name: 'dialfleet-gateway', logger: log });
  const fleet = await FleetClient.connect(nc, systemClock, log);
  const database = createDatabase({
    connectionString: settings.databaseUrl, poolSize: settings.databasePool, statementTimeoutMs: 3000, prepareStatements: await ownsItsSessions(settings.databaseUrl),
  });
  const app = await createGateway({
    settings, database, fleet, events: new NatsEventFeed(nc, log), recordings: new FolderRecordingStore(settings.recordingsDir), clock: systemClock, logger: log,
  });
  await app.listen(settings.port, settings.host);
  const url = await localUrl(app, settings);
  log.info('gateway ready', { url });
  process.stdout.write(`${JSON.stringify({ ready: true, url })}\n`);
  stopOnSignal(log, async () => {
    await app.close();
    fleet.close();
    await nc.drain();
    await database.$disconnect();
  });
}

async function localUrl(app: { getUrl(): Promise<string> }, { host }: GatewaySettings): Promise<string> {
  const { port } = new URL(await app.getUrl());
  return `http://${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host}:${port}`;
}

/** The first signal finishes what is in hand; open requests get a while, and no more. */
function stopOnSignal(log: Logger, close: () => Promise<void>): void {
  const STOP_WITHIN_MS = 10_000;
  let stopping = false;
  const stop = (signal: NodeJS.Signals | 'launcher gone'): void => {
    if (stopping) return;
    stopping = true;
    log.info('gateway stopping', { signal });
    setTimeout(() => { log.warn('gateway did not stop in time'); process.exit(1); }, STOP_WITHIN_MS).unref();
    close().then(() => process.exit(0), (error: unknown) => { log.error('gateway did not stop cleanly', { error }); process.exit(1); });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  if (process.env['DIALFLEET_SUPERVISED']) process.stdin.once('end', () => { stop('launcher gone'); }).resume();
}
