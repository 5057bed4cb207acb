import { createHash } from 'node:crypto';
import type { IdempotencyClaim } from '@dialfleet/database';
import { invalidField } from '../http/problem.js';

const KEY = /^[\x21-\x7e]{1,255}$/;

/** The claim that an `Idempotency-Key` header makes on this body. Bodies that differ only in the order of fields are the same. */
export function idempotencyClaim(header: string | string[] | undefined, body: object): IdempotencyClaim | undefined {
  if (header === undefined) return undefined;
  if (typeof header !== 'string' || !KEY.test(header)) throw invalidField('Idempotency-Key', 'must be 1 to 255 printable ASCII characters');
  return { key: header, bodyHash: Uint8Array.from(createHash('sha256').update(canonicalJson(body)).digest()) };
}

/** JSON with the fields of every object in order of their names. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const fields = Object.entries(value).filter(([, item]) => item !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}
