export interface SrvRecord { name: string; port: number; priority: number; weight: number }

/**
 * In the order to contact (RFC 2782): by priority, and within one by lot, where a weight of 2 is drawn twice as often as
 * one of 1, and 0 hardly ever.
 *
 * @param random in [0, 1)
 */
export function orderSrv<T extends Pick<SrvRecord, 'priority' | 'weight'>>(records: readonly T[], random: () => number): T[] {
  const byPriority = new Map<number, T[]>();
  for (const record of records) byPriority.set(record.priority, [...byPriority.get(record.priority) ?? [], record]);
  return [...byPriority.keys()].sort((a, b) => a - b).flatMap((priority) => drawn(byPriority.get(priority) ?? [], random));
}

function drawn<T extends Pick<SrvRecord, 'weight'>>(records: readonly T[], random: () => number): T[] {
  // Those of weight 0 stand first, so that they are drawn only by a lot of 0.
  const left = [...records].sort((a, b) => Math.sign(a.weight) - Math.sign(b.weight));
  const out: T[] = [];
  while (left.length > 0) {
    const total = left.reduce((sum, { weight }) => sum + weight, 0);
    const lot = Math.floor(random() * (total + 1));
    let sum = 0;
    const at = left.findIndex(({ weight }) => (sum += weight) >= lot);
    out.push(...left.splice(at, 1));
  }
  return out;
}
