import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { safeHeaders, safeHost, safePort, safeText, safeUser, UnsafeSipValueError } from './header-safety.js';

describe('values for the wire', () => {
  it.each(['+14155550123', 'echo-1', '9#*44', "a.b_c!~'()"])('takes the user %s', (user) => { expect(safeUser(user, 'user')).toBe(user); });
  it.each(['', 'a b', 'a@b', 'a\r\nX: y', 'a>', 'a"', 'a\0', 'a:b', 'a%0d', 'ü', 'x'.repeat(129)])('refuses the user %j', (user) => { expect(() => safeUser(user, 'user')).toThrow(UnsafeSipValueError); });
  it.each(['sip.example.com', '10.0.0.1', '2001:db8::1', 'pbx', 'pbx.'])('takes the host %s', (host) => { expect(safeHost(host, 'host')).toBe(host); });
  it.each(['', 'a b', 'a\r\nb', 'a;b', '-a', 'a..b', 'a/b', 'a@b', '[::1]', 'x'.repeat(254)])('refuses the host %j', (host) => { expect(() => safeHost(host, 'host')).toThrow(UnsafeSipValueError); });
  it.each([0, -1, 65_536, 1.5, NaN])('refuses the port %d', (port) => { expect(() => safePort(port, 'port')).toThrow(UnsafeSipValueError); });

  it('refuses extra headers that break out, are no tokens or belong to the stack', () => {
    expect(safeHeaders({ 'X-Call': 'abc' })).toEqual(['X-Call: abc']);
    const bad: Record<string, string>[] = [{ 'X\r\nY': 'a' }, { 'X-A': 'a\r\nVia: x' }, { 'X-A': 'a\nb' }, { 'X-A': 'a\0' }, { Via: 'x' }, { 'call-id': 'x' }, { '': 'x' }, { 'X Y': 'x' }, { 'X:Y': 'x' }];
    for (const headers of bad) expect(() => safeHeaders(headers)).toThrow(UnsafeSipValueError);
  });

  it('never lets a line break through', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('\r', '\n', '\0', '\r\n', '\u2028'), fc.string({ unit: 'binary' }), (before, breaking, after) => {
      const text = before + breaking + after;
      for (const check of [safeUser, safeHost, safeText]) expect(() => check(text, 'value')).toThrow(UnsafeSipValueError);
    }));
  });
});
