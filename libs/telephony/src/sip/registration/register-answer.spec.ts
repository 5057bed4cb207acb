import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bindingsOf, grantOf, minExpiresOf, serviceRouteOf } from './register-answer.js';

const own = { family: 'aa', instance: 'bb' };

describe('the 200 to a REGISTER', () => {
  it('grants our binding its own time, whatever others have', () => {
    const contacts = ['<sip:u@10.0.0.9:5060>;expires=3000, "A, B" <sip:u@10.0.0.1:5060;rinstance=aa.bb>;q=0.5;expires=120', '<sip:u@10.0.0.2;rinstance=aa.cc>;expires=77'];
    expect(grantOf(contacts, '3600', own, 600)).toEqual({ expiresSeconds: 120, stale: ['sip:u@10.0.0.2;rinstance=aa.cc'] });
  });

  it.each<[string, string[], string | undefined, number]>([
    ['the header where the binding has no time', ['<sip:u@10.0.0.1;rinstance=aa.bb>'], '90', 90],
    ['what was asked for where nothing is said', ['<sip:u@10.0.0.1;rinstance=aa.bb>'], undefined, 600],
    ['the header where no binding is listed', [], '90', 90],
    ['the only binding, rewritten by the registrar', ['<sip:u@203.0.113.5:1024>;expires=45'], '3600', 45],
    ['not the time of a worker that was there before', ['<sip:u@10.0.0.2;rinstance=aa.cc>;expires=7'], '90', 90],
    ['quoted, as some write it', ['sip:u@10.0.0.1;expires="30"'], undefined, 30],
    ['no absurd time', ['<sip:u@10.0.0.1;rinstance=aa.bb>;expires=4294967295'], undefined, 604_800],
  ])('grants %s', (_name, contacts, header, seconds) => { expect(grantOf(contacts, header, own, 600).expiresSeconds).toBe(seconds); });

  it('may name a route for calls; what is no route is left out', () => {
    expect(serviceRouteOf(['<sip:p1.example;lr>,<sip:p2.example;lr>', 'sip:bare.example', '<tel:+1>', '<sip:x y>'])).toEqual(['<sip:p1.example;lr>', '<sip:p2.example;lr>']);
  });

  it('never makes the reader throw or hang', () => {
    fc.assert(fc.property(fc.array(fc.string({ maxLength: 200 }), { maxLength: 5 }), (contacts) => { expect(Array.isArray(bindingsOf(contacts))).toBe(true); }));
    expect(bindingsOf([`"${'\\"'.repeat(4000)}`])).toEqual([]);
  });
});

it('Min-Expires is a number of seconds, or of no use', () => {
  expect([' 1800 ', 'soon', undefined, '99999999'].map(minExpiresOf)).toEqual([1800, undefined, undefined, undefined]);
});
