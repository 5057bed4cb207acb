import { type Cipher, createCipheriv, createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/** RFC 3711 §4.3.2. */
export const LABELS = { rtp: { cipher: 0, auth: 1, salt: 2 }, rtcp: { cipher: 3, auth: 4, salt: 5 } } as const;

const BLOCK_BYTES = 16;
const SALT_BYTES = 14;
const CIPHER_KEY_BYTES = 16;
const AUTH_KEY_BYTES = 20;

export interface SessionKeys { cipher: Buffer; salt: Buffer; auth: Buffer }

/** AES-CM as a key derivation function, rate 0 (RFC 3711 §4.3.1, §4.3.3). */
export function deriveSessionKeys(masterKey: Uint8Array, masterSalt: Uint8Array, labels: (typeof LABELS)['rtp' | 'rtcp']): SessionKeys {
  const derive = (label: number, bytes: number): Buffer => {
    const iv = Buffer.alloc(BLOCK_BYTES);
    iv.set(masterSalt);
    iv[7] ^= label;
    return createCipheriv('aes-128-ctr', masterKey, iv).update(Buffer.alloc(bytes));
  };
  return { cipher: derive(labels.cipher, CIPHER_KEY_BYTES), salt: derive(labels.salt, SALT_BYTES), auth: derive(labels.auth, AUTH_KEY_BYTES) };
}

/**
 * Packets of up to 192 bytes (20 ms of G.711 are 160) find their keystream ready: one call of the cipher makes it for 16
 * indexes in a row, which costs less than one call a packet by a factor of ten.
 */
const SLOT_BYTES = 192;
const SLOTS = 16;

/** The AES-CM keystream of one SSRC (RFC 3711 §4.1.1). Encrypting and decrypting are the same. */
export class AesCmKeystream {
  private cipher: Cipher | null = null;
  private readonly iv = new Uint8Array(BLOCK_BYTES);
  private ahead: Uint8Array = new Uint8Array(0);
  private aheadFrom = -1;

  constructor(private readonly keys: Pick<SessionKeys, 'cipher' | 'salt'>, ssrc: number) {
    this.iv.set(keys.salt);
    for (let i = 0; i < 4; i++) this.iv[4 + i] ^= ssrc >>> (24 - 8 * i);
  }

  /** XORs `bytes[from..to)` in place with the keystream of packet `index`. */
  apply(bytes: Uint8Array, from: number, to: number, index: number): void {
    if (to - from > SLOT_BYTES) return xor(bytes, from, to, this.generate(index, 1, Math.ceil((to - from) / BLOCK_BYTES)), 0);
    const first = index - (index % SLOTS);
    if (first !== this.aheadFrom) {
      this.ahead = this.generate(first, SLOTS, SLOT_BYTES / BLOCK_BYTES);
      this.aheadFrom = first;
    }
    xor(bytes, from, to, this.ahead, (index - first) * SLOT_BYTES);
  }

  private generate(first: number, indexes: number, blocksEach: number): Uint8Array {
    const counters = new Uint8Array(indexes * blocksEach * BLOCK_BYTES);
    let at = 0;
    for (let index = first; index < first + indexes; index++) {
      const high = Math.floor(index / 0x10000);
      for (let block = 0; block < blocksEach; block++, at += BLOCK_BYTES) {
        counters.set(this.iv, at);
        for (let i = 0; i < 4; i++) counters[at + 8 + i] ^= high >>> (24 - 8 * i);
        counters[at + 12] ^= index >>> 8;
        counters[at + 13] ^= index;
        counters[at + 14] = block >>> 8;
        counters[at + 15] = block;
      }
    }
    // Not before it is needed: forged packets must cost little.
    this.cipher ??= createCipheriv('aes-128-ecb', this.keys.cipher, null).setAutoPadding(false);
    return this.cipher.update(counters);
  }
}

function xor(bytes: Uint8Array, from: number, to: number, keystream: Uint8Array, keystreamFrom: number): void {
  const shift = keystreamFrom - from;
  for (let i = from; i < to; i++) bytes[i] ^= keystream[i + shift];
}

/** HMAC-SHA1 (RFC 3711 §4.2) with a key that is kept. */
export class HmacSha1 {
  private readonly key: KeyObject;
  private readonly trailer = Buffer.alloc(4);

  constructor(key: Uint8Array) { this.key = createSecretKey(key); }

  /** Of `bytes[0..length)` followed, where `trailer` is given, by it as 32 bits. */
  digest(bytes: Uint8Array, length: number, trailer?: number): Buffer {
    const hmac = createHmac('sha1', this.key).update(length === bytes.length ? bytes : bytes.subarray(0, length));
    if (trailer !== undefined) {
      this.trailer.writeUInt32BE(trailer);
      hmac.update(this.trailer);
    }
    return hmac.digest();
  }
}
