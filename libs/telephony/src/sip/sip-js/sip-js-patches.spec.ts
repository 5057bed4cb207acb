import { describe, expect, it } from '@jest/globals';
import { Timers } from 'sip.js/lib/core/timers.js';
import { ClientTransaction } from 'sip.js/lib/core/transactions/client-transaction.js';
import { Grammar } from 'sip.js/lib/grammar/grammar.js';
import { URI } from 'sip.js/lib/grammar/uri.js';
import { fastParse } from '../message/fast-grammar.js';
import { applySipJsPatches, assertPatchable } from './sip-js-patches.js';

const makeId = (request: { method: string; branch?: string }): string => (ClientTransaction as unknown as { makeId(r: object): string }).makeId(request);

describe('applySipJsPatches', () => {
  it('changes nothing on import, and everything once called', () => {
    expect(Grammar.parse).not.toBe(fastParse);
    expect(Timers.TIMER_D).toBe(0);
    applySipJsPatches();
    applySipJsPatches();
    expect(Grammar.parse).toBe(fastParse);
    expect([Timers.TIMER_D, Timers.TIMER_I, Timers.TIMER_J, Timers.TIMER_K]).toEqual([32_000, 5_000, 32_000, 5_000]);
  });

  it('draws branches that do not repeat, with the magic cookie', () => {
    applySipJsPatches();
    const branches = new Set(Array.from({ length: 20_000 }, () => makeId({ method: 'INVITE' })));
    expect(branches.size).toBe(20_000);
    for (const branch of [...branches].slice(0, 50)) expect(branch).toMatch(/^z9hG4bK[A-Za-z0-9_-]{16}$/);
    expect(makeId({ method: 'CANCEL', branch: 'z9hG4bKx' })).toBe('z9hG4bKx');
    expect(() => makeId({ method: 'CANCEL' })).toThrow('branch');
  });

  it('writes a URI whose user has a stray percent sign', () => {
    applySipJsPatches();
    expect(String(new URI('sip', '100%', 'h'))).toBe('sip:100%25@h');
  });

  it.each([
    ['+1415;tgrp=TG1;trunk-context=carrier.net', '+1415;tgrp=TG1;trunk-context=carrier.net'], ['a&b=c$d,e?f/g', 'a&b=c$d,e?f/g'], ['%23#"<\u00fc\u{1f600}', '%23%23%22%3C%C3%BC%F0%9F%98%80'],
    ['a b@c\r\n', 'a%20b%40c%0D%0A'], ['x\ud800', 'x%EF%BF%BD'],
  ])('writes user %j as the RFC has it', (user, written) => {
    applySipJsPatches();
    expect(String(new URI('sip', user, 'h'))).toBe(`sip:${written}@h`);
  });

  it('says which symbol is missing', () => {
    expect(() => assertPatchable({ 'Grammar.parse': () => true, 'ClientTransaction.makeId': () => false })).toThrow('ClientTransaction.makeId');
  });
});
