import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { judgeAddress, mayConnect } from './address-guard.js';
import { parseAllowList } from './allow-list.js';

describe('address guard', () => {
  it.each(['127.0.0.1', '127.255.255.254', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '100.100.100.200',
    '0.0.0.0', '0.1.2.3', '192.0.0.1', '192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '192.88.99.1', '224.0.0.1', '240.0.0.1', '255.255.255.255', '168.63.129.16',
    '::', '::1', '[::1]', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:a9fe:a9fe', '::127.0.0.1', '::7f00:1', '64:ff9b::7f00:1', '64:ff9b:1::1', '2002:7f00:1::', '2001::1',
    'fc00::1', 'fd00:ec2::254', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1', '100::1', '2001:db8::1', '5f00::1', '4000::1', '', 'localhost', '1.2.3.4.5'])(
    'blocks %j', (address) => { expect(judgeAddress(address, [])).toBe('blocked'); });
  it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700:4700::1111', '::ffff:8.8.8.8'])('knows %s as public', (address) => { expect(judgeAddress(address, [])).toBe('public'); });

  it('allows what the operator lists, whatever its clothes', () => {
    const allow = parseAllowList('127.0.0.0/8, 10.1.2.3 ,fd00::/8,');
    for (const address of ['127.0.0.1', '::ffff:127.0.0.1', '10.1.2.3', 'fd12::1']) expect(judgeAddress(address, allow)).toBe('allowed');
    for (const address of ['10.1.2.4', '192.168.0.1', '::1']) expect(judgeAddress(address, allow)).toBe('blocked');
  });
  it('lets plain http pass only to what the operator lists', () => {
    expect([mayConnect('allowed', 'http:'), mayConnect('public', 'http:'), mayConnect('public', 'https:'), mayConnect('blocked', 'https:')]).toEqual([true, false, true, false]);
  });
  it('never lets an IPv4 address pass in IPv6 clothes that it would not pass in itself', () => {
    fc.assert(fc.property(fc.ipV4(), (v4) => { expect(judgeAddress(`::ffff:${v4}`, [])).toBe(judgeAddress(v4, [])); }));
    fc.assert(fc.property(fc.ipV4(), (v4) => { expect(judgeAddress(`::${v4}`, [])).toBe('blocked'); }));
    fc.assert(fc.property(fc.ipV4(), (v4) => { expect(judgeAddress(`64:ff9b::${v4}`, [])).toBe('blocked'); }));
  });
});

describe('allow list', () => {
  it('may be empty', () => { for (const text of [undefined, '', ' , ']) expect(parseAllowList(text)).toEqual([]); });
  it.each(['10.0.0.0/33', '10.0.0/8', 'localhost', '300.1.1.1', '10.0.0.0/x', 'fd00::/129', '10', '0x7f.1', '127.0.0.1:80', '*'])('names the entry it cannot read: %s', (entry) => {
    expect(() => parseAllowList(`127.0.0.1,${entry}`)).toThrow(`"${entry}" is not an address range`);
  });
});
