import 'reflect-metadata';
import { createRequire } from 'node:module';
import { errorMessage, frameworkLogger, jsonLogger, serviceLine, stopOnSignals, systemClock } from '@dialfleet/kit';
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
  process.stdout.write(serviceLine({ ready: true }));
  logger.info('ready');
  stopOnSignals({ logger, stop: async () => { await app.close(); await runtime.stop(); await providers.close(); } });
}

main().catch((error: unknown) => {
  process.stderr.write(`push could not start: ${errorMessage(error)}\n`);
  if (process.env['DIALFLEET_SUPERVISED']) process.stdout.write(serviceLine({ ready: false, reason: errorMessage(error) }));
  process.exit(1);
});
