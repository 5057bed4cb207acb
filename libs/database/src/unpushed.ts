import type { Database } from './database.js';

/** How much of what these workers' calls leave behind is not out yet: calls without a result, and messages without a first attempt. */
export async function countUnpushed(database: Database, workerIds: readonly string[]): Promise<number> {
  const [calls, deliveries] = await Promise.all([
    database.call.count({ where: { workerId: { in: [...workerIds] }, state: { notIn: ['ended', 'refused'] } } }),
    database.delivery.count({ where: { state: { in: ['pending', 'sending'] } } }),
  ]);
  return calls + deliveries;
}
