import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 4_096;
const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

/** An unguessable name of so many random bytes. Asking the system costs the same for one name as for a hundred: hence the pool. */
export function randomToken(bytes: number, encoding: 'hex' | 'base64url' = 'hex'): string {
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.toString(encoding, used - bytes, used);
}
