import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RtpHeader, SrtcpSession, SrtpSession as OracleSession } from 'werift-rtp';
import { buildRtcp, buildRtpPacket, parseRtpPacket, type RtpPacket } from '@dialfleet/media';
import { SRTP_OVERHEAD_BYTES, SrtpReceiver, SrtpSender, SrtpSession } from './srtp-session.js';

const LONG = 'AES_CM_128_HMAC_SHA1_80';
const SHORT = 'AES_CM_128_HMAC_SHA1_32';
const KEY = Buffer.from('e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6', 'hex').toString('base64');
const newKey = (): string => randomBytes(30).toString('base64');

const packetOf = (change: Partial<RtpPacket> = {}): Uint8Array =>
  buildRtpPacket({ marker: false, payloadType: 0, sequenceNumber: 1, rtpTimestamp: 160, ssrc: 0xcafebabe, csrcs: [], extension: null, payload: new Uint8Array(160).fill(0x55), ...change });

function protect(sender: SrtpSender, packet: Uint8Array): Buffer {
  const buffer = Buffer.alloc(packet.length + SRTP_OVERHEAD_BYTES);
  buffer.set(packet);
  return buffer.subarray(0, sender.protectRtp(buffer, packet.length));
}

const bye = buildRtcp([{ type: 'RR', ssrc: 0xcafebabe, reports: [] }, { type: 'SDES', chunks: [{ ssrc: 0xcafebabe, cname: 'us' }] }]);

const oracleKeys = (key: string) => {
  const master = Buffer.from(key, 'base64');
  const [localMasterKey, localMasterSalt] = [master.subarray(0, 16), master.subarray(16)];
  return { profile: 1 as const, keys: { localMasterKey, localMasterSalt, remoteMasterKey: localMasterKey, remoteMasterSalt: localMasterSalt } };
};

describe('SRTP', () => {
  it('makes the packet that libsrtp\'s test vector holds', () => {
    const plain = Buffer.from(`800f1234decafbadcafebabe${'ab'.repeat(16)}`, 'hex');
    const sealed = protect(new SrtpSender(LONG, KEY, 0xcafebabe), plain);
    expect(sealed.toString('hex')).toBe('800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb');
  });

  it.each([[LONG, 10], [SHORT, 4]] as const)('comes back as it went, with %s', (suite, tagBytes) => {
    const key = newKey();
    const [sender, receiver] = [new SrtpSender(suite, key, 7), new SrtpReceiver(suite, key)];
    for (let n = 65_500; n < 65_600; n++) {
      const packet = packetOf({ ssrc: 7, sequenceNumber: n & 0xffff, payload: randomBytes(n % 3 === 0 ? 400 : 160) });
      const sealed = protect(sender, packet);
      expect(sealed.length).toBe(packet.length + tagBytes);
      expect(sealed.subarray(12, 40)).not.toEqual(Buffer.from(packet).subarray(12, 40));
      expect(receiver.unprotectRtp(sealed)).toEqual(Buffer.from(packet));
    }
  });

  it('passes over header extensions and contributing sources', () => {
    const packet = packetOf({ csrcs: [1, 2], extension: { profile: 0xbede, data: Uint8Array.of(1, 2, 3, 4) } });
    const sealed = protect(new SrtpSender(LONG, KEY, 0xcafebabe), packet);
    expect(sealed.subarray(0, 28)).toEqual(Buffer.from(packet.subarray(0, 28)));
    expect(new SrtpReceiver(LONG, KEY).unprotectRtp(sealed)).toEqual(Buffer.from(packet));
  });

  it('is understood by the reference implementation, and understands it, across the wrap', () => {
    const [ours, theirs] = [newKey(), newKey()];
    const oracleReceiver = new OracleSession(oracleKeys(ours));
    const oracleSender = new OracleSession(oracleKeys(theirs));
    const [sender, receiver] = [new SrtpSender(LONG, ours, 9), new SrtpReceiver(LONG, theirs)];
    for (let n = 65_530; n < 65_545; n++) {
      const packet = packetOf({ ssrc: 9, sequenceNumber: n & 0xffff, payload: randomBytes(160) });
      expect(oracleReceiver.decrypt(protect(sender, packet))).toEqual(Buffer.from(packet));
      const parsed = parseRtpPacket(packet)!;
      const header = new RtpHeader({ marker: false, payloadType: 0, sequenceNumber: n & 0xffff, timestamp: 160, ssrc: 9 });
      expect([...parseRtpPacket(receiver.unprotectRtp(oracleSender.encrypt(Buffer.from(parsed.payload), header))!)!.payload]).toEqual([...parsed.payload]);
    }
  });

  it('does the same for RTCP', () => {
    const key = newKey();
    const [sender, receiver] = [new SrtpSender(SHORT, key, 0xcafebabe), new SrtpReceiver(SHORT, key)];
    const sealed = sender.protectRtcp(bye);
    expect(sealed.length).toBe(bye.length + 14);
    expect(sealed.readUInt32BE(bye.length)).toBe(0x80000001);
    expect(new SrtcpSession(oracleKeys(key)).decrypt(Buffer.from(sealed))).toEqual(Buffer.from(bye));
    expect(new SrtpReceiver(LONG, key).unprotectRtcp(new SrtcpSession(oracleKeys(key)).encrypt(Buffer.from(bye)))).toEqual(Buffer.from(bye));
    expect(receiver.unprotectRtcp(Buffer.from(sealed))).toEqual(Buffer.from(bye));
    expect(receiver.unprotectRtcp(Buffer.from(sealed))).toBeNull();
    expect(receiver.unprotectRtcp(sender.protectRtcp(bye))).toEqual(Buffer.from(bye));
  });

  it('takes no packet twice, none changed, and none under another key', () => {
    const sender = new SrtpSender(LONG, KEY, 0xcafebabe);
    const receiver = new SrtpReceiver(LONG, KEY);
    const sealed = protect(sender, packetOf());
    expect(new SrtpReceiver(LONG, newKey()).unprotectRtp(Buffer.from(sealed))).toBeNull();
    fc.assert(fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const forged = Buffer.from(sealed);
      forged[at] ^= change;
      expect(receiver.unprotectRtp(forged)).toBeNull();
    }));
    expect(receiver.unprotectRtp(Buffer.from(sealed))).toEqual(Buffer.from(packetOf()));
    expect(receiver.unprotectRtp(Buffer.from(sealed))).toBeNull();
  });

  it('never throws, whatever arrives', () => {
    const receiver = new SrtpReceiver(LONG, KEY, '01');
    fc.assert(fc.property(fc.uint8Array({ maxLength: 1700 }), (bytes) => {
      expect(receiver.unprotectRtp(Buffer.from(bytes))).toBeNull();
      expect(receiver.unprotectRtcp(Buffer.from(bytes))).toBeNull();
    }));
  });

  it('finds its place again after losing the packets round a wrap', () => {
    const [sender, receiver] = [new SrtpSender(LONG, KEY, 3), new SrtpReceiver(LONG, KEY)];
    const heard: boolean[] = [];
    for (let n = 30_000; n < 30_000 + 3 * 65_536; n += 1) {
      // Every protected packet moves the sender's counter; only some arrive.
      if (n % 20_000 >= 12 && n % 65_536 !== 0) continue;
      const sealed = protect(sender, packetOf({ ssrc: 3, sequenceNumber: n & 0xffff }));
      if (n % 65_536 !== 0) heard.push(receiver.unprotectRtp(sealed) !== null);
    }
    expect(heard.length).toBeGreaterThan(100);
    expect(heard.every(Boolean)).toBe(true);
  });

  it('reads a master key identifier, and no other key\'s', () => {
    const sealed = protect(new SrtpSender(LONG, KEY, 0xcafebabe), packetOf());
    const withMki = (mki: string): Buffer => Buffer.concat([sealed.subarray(0, -10), Buffer.from(mki, 'hex'), sealed.subarray(-10)]);
    const receiver = new SrtpReceiver(LONG, KEY, '0001');
    expect(receiver.unprotectRtp(withMki('0002'))).toBeNull();
    expect(receiver.unprotectRtp(withMki('0001'))).toEqual(Buffer.from(packetOf()));
  });

  it('hears another SSRC of the same key, and refuses a far end that makes too many', () => {
    const receiver = new SrtpReceiver(LONG, KEY);
    const heard = Array.from({ length: 40 }, (_, ssrc) => receiver.unprotectRtp(protect(new SrtpSender(LONG, KEY, ssrc), packetOf({ ssrc }))) !== null);
    expect(heard.filter(Boolean)).toHaveLength(32);
  });

  it('keeps a direction whose key stays, and begins anew with a new key', () => {
    const parameters = { suite: LONG, sendKey: newKey(), receiveKey: newKey() } as const;
    const first = SrtpSession.of(parameters, 1, null);
    const rekeyed = SrtpSession.of({ ...parameters, receiveKey: newKey() }, 1, first);
    expect([rekeyed.sender === first.sender, rekeyed.receiver === first.receiver]).toEqual([true, false]);
    const same = SrtpSession.of(parameters, 1, first);
    expect([same.sender === first.sender, same.receiver === first.receiver]).toEqual([true, true]);
    expect(() => SrtpSession.of({ ...parameters, sendKey: 'c2hvcnQ=' }, 1, null)).toThrow('30 bytes');
  });
});
