import { createHmac, timingSafeEqual } from 'node:crypto';

const MAC_BYTES = 16;

/**
 * The stable, unguessable part of `recording_url`: 16 bytes of session id, then 16 bytes of HMAC-SHA256 over it,
 * base64url. Same session, same token, on every gateway that shares the secret key.
 */
export class RecordingTokens {
  constructor(private readonly secretKey: Buffer) {}

  /** `sessionId`: a UUID. */
  sign(sessionId: string): string {
    const id = Buffer.from(sessionId.replaceAll('-', ''), 'hex');
    return Buffer.concat([id, this.mac(id)]).toString('base64url');
  }

  /** The session id, or null for anything that this key did not sign. */
  verify(token: string): string | null {
    if (!/^[A-Za-z0-9_-]{43}$/.test(token)) return null;
    const bytes = Buffer.from(token, 'base64url');
    const id = bytes.subarray(0, 16);
    if (!timingSafeEqual(bytes.subarray(16), this.mac(id))) return null;
    const hex = id.toString('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  }

  private mac(id: Buffer): Buffer {
    return createHmac('sha256', this.secretKey).update('recording\0').update(id).digest().subarray(0, MAC_BYTES);
  }
}
