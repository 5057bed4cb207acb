import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AesCmKeystream, deriveSessionKeys, HmacSha1, LABELS } from './srtp-crypto.js';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();
const keystream = (index: number, bytes: number, ssrc = 0): Buffer => {
  const stream = new AesCmKeystream({ cipher: hex('2B7E151628AED2A6ABF7158809CF4F3C'), salt: hex('F0F1F2F3F4F5F6F7F8F9FAFBFCFD') }, ssrc);
  const out = Buffer.alloc(bytes);
  stream.apply(out, 0, bytes, index);
  return out;
};

describe('SRTP cryptography', () => {
  it('makes the keystream of RFC 3711 Appendix B.2', () => {
    const stream = keystream(0, 0xff02 * 16);
    const block = (counter: number): string => toHex(stream.subarray(counter * 16, counter * 16 + 16));
    expect([0, 1, 2, 0xfeff, 0xff00, 0xff01].map(block)).toEqual([
      'E03EAD0935C95E80E166B16DD92B4EB4', 'D23513162B02D0F72A43A2FE4A5F97AB', '41E95B3BB0A2E8DD477901E4FCA894C0',
      'EC8CDF7398607CB0F2D21675EA9EA1E4', '362B7C3C6773516318A077D7FC5073AE', '6A2CC3787889374FBEB4C81B17BA6C44',
    ]);
  });

  it('derives the session keys of RFC 3711 Appendix B.3', () => {
    const keys = deriveSessionKeys(hex('E1F97A0D3E018BE0D64FA32C06DE4139'), hex('0EC675AD498AFEEBB6960B3AABE6'), LABELS.rtp);
    expect(toHex(keys.cipher)).toBe('C61E7A93744F39EE10734AFE3FF7A087');
    expect(toHex(keys.salt)).toBe('30CBBC08863D8C85D49DB34A9AE1');
    expect(toHex(keys.auth)).toBe('CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4');
  });

  it('has the same keystream ready ahead as it makes for one packet alone', () => {
    const index = fc.integer({ min: 0, max: 2 ** 48 - 1 });
    fc.assert(fc.property(index, fc.integer({ min: 1, max: 192 }), fc.integer({ min: 0, max: 0xffffffff }), (packet, bytes, ssrc) => {
      // More than the ready length goes the other way.
      expect(keystream(packet, bytes, ssrc)).toEqual(keystream(packet, 193, ssrc).subarray(0, bytes));
    }));
  });

  it('authenticates as HMAC-SHA1 does', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 }), fc.integer({ min: 0, max: 0xffffffff }), (key, texts, trailer) => {
      const hmac = new HmacSha1(key);
      const rollover = Buffer.alloc(4);
      rollover.writeUInt32BE(trailer);
      for (const text of texts) {
        expect(hmac.digest(text, text.length, trailer)).toEqual(createHmac('sha1', key).update(text).update(rollover).digest());
        expect(hmac.digest(text, text.length)).toEqual(createHmac('sha1', key).update(text).digest());
      }
    }));
  });
});
