import 'reflect-metadata';
import { errorMessage, frameworkLogger, jsonLogger, serviceLine, stopOnSignals, systemClock } from '@dialfleet/kit';
import { keepHealthFile, natsOptions } from '@dialfleet/messaging';
import { NestFactory } from '@nestjs/core';
import { Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { createRequire } from 'node:module';
import { lastResort } from './last-resort.js';
import { workerSettings } from './settings.js';
import { WorkerModule } from './worker.module.js';
import { WorkerRuntime } from './worker-runtime.js';

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

async function main(): Promise<void> {
  const settings = workerSettings(process.env);
  const logger = jsonLogger(settings.logLevel, (line) => { process.stderr.write(`${line}\n`); }, { app: 'worker', worker_id: settings.workerId });
  const runtime = await WorkerRuntime.start(settings, logger, version);
  const giveUp = lastResort({ abandonCalls: (detail) => runtime.abandonCalls(detail), exit: (code) => process.exit(code), clock: systemClock, logger });
  process.on('uncaughtException', giveUp);
  process.on('unhandledRejection', giveUp);
  void runtime.broken.then(giveUp);
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(WorkerModule.register(settings.workerId, runtime), {
    transport: Transport.NATS, options: natsOptions({ url: settings.natsUrl, name: `worker ${settings.workerId} requests` }), logger: frameworkLogger(logger),
  });
  await app.listen();
  runtime.heartbeats.start();
  keepHealthFile(settings.healthFile, () => runtime.reachBroker(), systemClock);
  process.stdout.write(serviceLine({ ready: true }));
  logger.info('ready', { max_calls: settings.maxCalls });
  // The first signal drains; one more hangs the remaining calls up.
  stopOnSignals({ logger, stop: async () => { await runtime.stop(); await app.close(); }, hurry: () => { runtime.slots.hangUpAll(); } });
}

main().catch((error: unknown) => {
  process.stderr.write(`worker could not start: ${errorMessage(error)}\n`);
  if (process.env['DIALFLEET_SUPERVISED']) process.stdout.write(serviceLine({ ready: false, reason: errorMessage(error) }));
  process.exit(1);
});
