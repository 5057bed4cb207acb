import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export type KeyMode = 'live' | 'test';
export interface ParsedApiKey { mode: KeyMode; id: string; secret: string }
export interface NewApiKey { id: string; key: string; secretHash: Uint8Array<ArrayBuffer>; lastFour: string; mode: KeyMode }

/** `df_live_<12 character id>_<43 character base64url secret>`; `df_test_` for test keys. */
const API_KEY = /^df_(live|test)_([0-9a-z]{12})_([A-Za-z0-9_-]{43})$/;
const SECRET_BYTES = 32;
const BASE32 = '0123456789abcdefghjkmnpqrstvwxyz';

export function createApiKey(mode: KeyMode = 'live', nowMs: number = Date.now()): NewApiKey {
  const id = keyId(nowMs);
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { id, mode, key: `df_${mode}_${id}_${secret}`, secretHash: hashKeySecret(secret), lastFour: secret.slice(-4) };
}

/** Null for anything that is not of the form: answered without asking the database. */
export function parseApiKey(text: string): ParsedApiKey | null {
  const match = API_KEY.exec(text);
  return match && { mode: match[1] as KeyMode, id: match[2], secret: match[3] };
}

export function hashKeySecret(secret: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(createHash('sha256').update(secret).digest());
}

/** Constant time. */
export function secretMatches(secret: string, storedHash: Uint8Array): boolean {
  const hash = hashKeySecret(secret);
  return storedHash.length === hash.length && timingSafeEqual(hash, storedHash);
}

/** 35 bits of seconds, then 25 random bits, base 32: ids sort by creation. */
function keyId(nowMs: number): string {
  const bits = (BigInt(Math.floor(nowMs / 1000)) << 25n) | BigInt(randomBytes(4).readUInt32BE() >>> 7);
  let text = '';
  for (let shift = 55n; shift >= 0n; shift -= 5n) text += BASE32[Number((bits >> shift) & 31n)];
  return text;
}
