export { createGateway } from './gateway-app.js';
export type { GatewayParts } from './gateway.module.js';
