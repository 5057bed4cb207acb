export * from './database.js';
export * from './migrate.js';
export { Prisma } from './generated/client.js';
export type * from './generated/models.js';
