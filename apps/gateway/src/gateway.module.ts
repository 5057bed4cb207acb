import { CallRepository, DialoutRepository, InboundRepository, SecretBox, type Database } from '@dialfleet/database';
import type { Clock, Logger } from '@dialfleet/kit';
import { RecordingTokens, type RecordingStore } from '@dialfleet/storage';
import { Module, type DynamicModule } from '@nestjs/common';
import { KeyAuthenticator } from './auth/key-authenticator.js';
import { CallEventFeed } from './calls/call-event-feed.js';
import { CallsController } from './calls/calls.controller.js';
import { CallsService } from './calls/calls.service.js';
import { EventStreams } from './calls/event-streams.js';
import { RecordingsController } from './calls/recordings.controller.js';
import { BotSettingsCache } from './dialout/bot-settings-cache.js';
import { DialoutController } from './dialout/dialout.controller.js';
import { DialoutService } from './dialout/dialout.service.js';
import { KeyJanitor } from './dialout/key-janitor.js';
import { TrunkLimits } from './dialout/trunk-limits.js';
import { FleetController } from './fleet/fleet.controller.js';
import { FleetPort } from './fleet/fleet-port.js';
import { HealthController } from './fleet/health.controller.js';
import { InboundCalls } from './inbound/inbound-calls.service.js';
import { TrunkDirectoryService } from './inbound/trunk-directory.service.js';
import { ApiKeysController } from './management/api-keys.controller.js';
import { ApiKeysService } from './management/api-keys.service.js';
import { AuditLogController } from './management/audit-log.controller.js';
import { BotsController } from './management/bots.controller.js';
import { BotsService } from './management/bots.service.js';
import { deliveryControllers, deliveryProviders } from './management/deliveries/delivery-parts.js';
import { EndpointsController } from './management/endpoints.controller.js';
import { EndpointsService } from './management/endpoints.service.js';
import { NumbersController } from './management/numbers.controller.js';
import { NumbersService } from './management/numbers.service.js';
import { TrunkChecks } from './management/trunk-checks.service.js';
import { TrunksController } from './management/trunks.controller.js';
import { TrunksService } from './management/trunks.service.js';
import { GatewayMetrics } from './metrics/gateway-metrics.js';
import { MetricsController } from './metrics/metrics.controller.js';
import type { GatewaySettings } from './settings.js';
import { CLOCK, DATABASE, LOGGER, RECORDINGS, SETTINGS } from './tokens.js';

/** What the gateway stands on; main.ts brings the real ones, tests may bring others. */
export interface GatewayParts {
  settings: Pick<GatewaySettings, 'secretKey' | 'egressAllow'>;
  database: Database;
  fleet: FleetPort;
  events: CallEventFeed;
  recordings: RecordingStore;
  clock: Clock;
  logger: Logger;
}

@Module({})
export class GatewayModule {
  static of(parts: GatewayParts): DynamicModule {
    return {
      module: GatewayModule,
      controllers: [
        DialoutController, CallsController, RecordingsController, FleetController, HealthController, MetricsController, TrunksController, BotsController,
        EndpointsController, NumbersController, ApiKeysController, AuditLogController, ...deliveryControllers,
      ],
      providers: [
        { provide: SETTINGS, useValue: parts.settings },
        { provide: DATABASE, useValue: parts.database },
        { provide: FleetPort, useValue: parts.fleet },
        { provide: CallEventFeed, useValue: parts.events },
        { provide: RECORDINGS, useValue: parts.recordings },
        { provide: CLOCK, useValue: parts.clock },
        { provide: LOGGER, useValue: parts.logger },
        { provide: SecretBox, useValue: new SecretBox(parts.settings.secretKey) },
        { provide: RecordingTokens, useValue: new RecordingTokens(parts.settings.secretKey) },
        { provide: DialoutRepository, useValue: new DialoutRepository(parts.database) },
        { provide: InboundRepository, useValue: new InboundRepository(parts.database) },
        { provide: CallRepository, useValue: new CallRepository(parts.database) },
        KeyAuthenticator, BotSettingsCache, KeyJanitor, TrunkLimits, DialoutService, CallsService, EventStreams, GatewayMetrics, TrunksService, TrunkChecks, TrunkDirectoryService, InboundCalls, BotsService, EndpointsService, NumbersService, ApiKeysService, ...deliveryProviders,
      ],
    };
  }
}
