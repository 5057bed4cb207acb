import { DeliveriesController } from './deliveries.controller.js';
import { DeliveriesService } from './deliveries.service.js';
import { MapperPreviewController } from './mapper-preview.controller.js';

/** What the gateway's module registers of the delivery log and the mapper's preview. */
export const deliveryControllers = [DeliveriesController, MapperPreviewController];
export const deliveryProviders = [DeliveriesService];
