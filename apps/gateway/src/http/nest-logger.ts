import type { Logger } from '@dialfleet/kit';
import type { LoggerService } from '@nestjs/common';

/** Nest's own messages as our JSON lines; its start-up chatter is for debugging. */
export function nestLogger(logger: Logger): LoggerService {
  const line = (level: 'debug' | 'warn' | 'error') => (message: unknown, ...context: unknown[]): void => logger[level](String(message), { context: context.at(-1) });
  return { log: line('debug'), debug: line('debug'), verbose: line('debug'), warn: line('warn'), error: line('error'), fatal: line('error') };
}
