import 'reflect-metadata';
import { createRequire } from 'node:module';
import { errorMessage, frameworkLogger, jsonLogger, systemClock, type Logger } from '@dialfleet/kit';
import { JetStreamRethrowFilter, keepHealthFile } from '@dialfleet/messaging';
import { createProviders } from '@dialfleet/providers';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { PushModule } from './push.module.js';
import { PushRuntime } from './push-runtime.js';
import { pushSettings } from './settings.js';

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

async function main(): Promise<void> {
  const settings = pushSettings(process.env);
  const logger = jsonLogger(settings.logLevel, (line) => { process.stderr.write(`${line}\n`); }, { app: 'push', instance: settings.instance });
  const providers = createProviders({ logger });
  const runtime = await PushRuntime.start(settings, { brain: (choice) => providers.llm(choice), version, logger });
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(PushModule.register(runtime), { strategy: runtime.strategy, logger: frameworkLogger(logger) });
  app.useGlobalFilters(new JetStreamRethrowFilter());
  await app.listen();
  runtime.begin();
  keepHealthFile(settings.healthFile, () => runtime.probe(), systemClock);
  process.stdout.write('{"ready":true}\n');
  logger.info('ready');
  stopOnSignals(async () => { await app.close(); await runtime.stop(); await providers.close(); }, logger);
}

function stopOnSignals(stop: () => Promise<void>, logger: Logger): void {
  let stopping = false;
  const onSignal = (): void => {
    if (stopping) return;
    stopping = true;
    stop().then(() => process.exit(0), (error: unknown) => { logger.error('stopping failed', { error }); process.exit(1); });
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  if (process.env['DIALFLEET_SUPERVISED']) process.stdin.once('end', onSignal).resume();
}

main().catch((error: unknown) => {
  process.stderr.write(`push could not start: ${errorMessage(error)}\n`);
  process.exit(1);
});
