import 'reflect-metadata';
import { assertMigrated, assertReachable, createDatabase, ownsItsSessions } from '@dialfleet/database';
import { errorMessage, jsonLogger, portProblem, serviceLine, stopOnSignals, systemClock } from '@dialfleet/kit';
import { connectNats, FleetClient } from '@dialfleet/messaging';
import { FolderRecordingStore } from '@dialfleet/storage';
import { NatsEventFeed } from './calls/nats-event-feed.js';
import { createGateway } from './gateway-app.js';
import { answerFleet } from './inbound/fleet-questions.js';
import { InboundCalls } from './inbound/inbound-calls.service.js';
import { TrunkDirectoryService } from './inbound/trunk-directory.service.js';
import { gatewaySettings, type GatewaySettings } from './settings.js';

/** Open requests get a while, and no more. */
const STOP_WITHIN_MS = 10_000;
const logger = jsonLogger('info', (line) => process.stderr.write(`${line}\n`), { app: 'gateway' });

start().catch((error: unknown) => {
  logger.error(`gateway cannot start: ${errorMessage(error)}`);
  if (process.env['DIALFLEET_SUPERVISED']) process.stdout.write(serviceLine({ ready: false, reason: errorMessage(error) }));
  process.exit(1);
});

async function start(): Promise<void> {
  const settings = gatewaySettings(process.env);
  const log = jsonLogger(settings.logLevel, (line) => process.stderr.write(`${line}\n`), { app: 'gateway' });
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
  const stopAnswering = answerFleet(nc, { trunks: app.get(TrunkDirectoryService), calls: app.get(InboundCalls) }, log);
  await app.listen(settings.port, settings.host).catch((error: unknown) => { throw portProblem(error, 'DIALFLEET_PORT', `port ${settings.port}`); });
  const url = await localUrl(app, settings);
  log.info('gateway ready', { url });
  process.stdout.write(serviceLine({ ready: true, url }));
  stopOnSignals({ logger: log, withinMs: STOP_WITHIN_MS, stop: async () => {
    stopAnswering();
    await app.close();
    fleet.close();
    await nc.drain();
    await database.$disconnect();
  } });
}

async function localUrl(app: { getUrl(): Promise<string> }, { host }: GatewaySettings): Promise<string> {
  const { port } = new URL(await app.getUrl());
  return `http://${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host}:${port}`;
}
