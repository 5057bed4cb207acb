import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Fault } from '@dialfleet/kit';

const VERSION = 'v1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What is stored cannot be opened: another key, or damaged data. */
export class SecretUnreadable extends Fault {
  constructor(options?: ErrorOptions) { super('a stored secret cannot be opened with this DIALFLEET_SECRET_KEY', false, options); }
}

/** 32 bytes as base64, base64url or hex. @throws Error that names the variable and the form, never the value. */
export function parseSecretKey(text: string | undefined): Buffer {
  const value = (text ?? '').trim();
  const key = /^[0-9a-fA-F]{64}$/.test(value) ? Buffer.from(value, 'hex')
    : /^[A-Za-z0-9+/_-]{43}=?$/.test(value) ? Buffer.from(value, 'base64') : undefined;
  if (key?.length !== 32) throw new Error('DIALFLEET_SECRET_KEY must be 32 bytes as base64 (44 characters) or hex (64 characters)');
  return key;
}

export const generateSecretKey = (): string => randomBytes(32).toString('base64');

/** Secrets at rest: AES-256-GCM, a fresh nonce each time. `v1.<base64url of nonce, ciphertext, tag>`. */
export class SecretBox {
  constructor(private readonly key: Buffer) {}

  seal(plain: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce);
    const sealed = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${VERSION}.${sealed.toString('base64url')}`;
  }

  open(sealed: string): string {
    try {
      const [version, payload] = sealed.split('.');
      if (version !== VERSION || payload === undefined) throw new Error('unknown form');
      const bytes = Buffer.from(payload, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', this.key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8');
    } catch (cause) {
      throw new SecretUnreadable({ cause });
    }
  }

  sealJson(value: unknown): string { return this.seal(JSON.stringify(value)); }
  openJson<T>(sealed: string): T { return JSON.parse(this.open(sealed)) as T; }
}
