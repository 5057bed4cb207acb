import { DialoutRepository } from '@dialfleet/database';
import type { Clock, Logger } from '@dialfleet/kit';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CLOCK, LOGGER } from '../tokens.js';

const EVERY_MS = 3600 * 1000;

/** Clears away idempotency keys whose day is over. Several gateways may do it at once. */
@Injectable()
export class KeyJanitor implements OnApplicationBootstrap, OnModuleDestroy {
  private cancel: () => void = () => undefined;

  constructor(private readonly dialouts: DialoutRepository, @Inject(CLOCK) private readonly clock: Clock, @Inject(LOGGER) private readonly logger: Logger) {}

  onApplicationBootstrap(): void { this.cancel = this.clock.after(EVERY_MS, () => { void this.sweep(); }); }
  onModuleDestroy(): void { this.cancel(); }

  private async sweep(): Promise<void> {
    this.onApplicationBootstrap();
    try {
      const count = await this.dialouts.forgetExpiredKeys(this.clock.nowMs());
      if (count > 0) this.logger.debug('idempotency keys expired', { count });
    } catch (error) { this.logger.warn('expired idempotency keys not cleared', { error }); }
  }
}
