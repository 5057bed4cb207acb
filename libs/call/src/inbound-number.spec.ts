import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ANONYMOUS, calledNumbers, callerNumber, customerNumber } from './inbound-number.js';

describe('the number called', () => {
  it.each<[string, string | undefined, string]>([
    ['+14155550100', undefined, '+14155550100'], ['14155550100', undefined, '+14155550100'], ['0014155550100', undefined, '+14155550100'],
    ['4155550100', 'US', '+14155550100'], ['0114930123456', 'US', '+4930123456'], ['030123456', 'DE', '+4930123456'], ['tel:+1-415-555-0100', undefined, '+14155550100'],
    ['+14155550100;npdi;rn=1', 'US', '+14155550100'], ['%2B14155550100', undefined, '+14155550100'], ['(415) 555.0100', 'US', '+14155550100'], ['100', 'US', '100'],
    ['sales', undefined, 'sales'], ['0049 30 123456', 'US', '+4930123456'],
  ])('%s in %s may be %s', (user, country, number) => { expect(calledNumbers(user, country)).toContain(number); });

  it('is first taken as the carrier writes it', () => {
    expect(calledNumbers('+14155550100', 'DE')).toEqual(['+14155550100', '14155550100']);
    expect(calledNumbers('0049301234567', 'US')[0]).toBe('+49301234567');
  });
  it('is none where there is none', () => { expect([calledNumbers(''), calledNumbers('  '), calledNumbers('@host')]).toEqual([[], [], []]); });
});

describe('the caller', () => {
  it.each<[string, string | undefined, string]>([
    ['+14155550101', undefined, '+14155550101'], ['4155550101', 'US', '+14155550101'], ['0014155550101', 'DE', '+14155550101'], ['101', 'US', '101'], ['alice', undefined, 'alice'],
    ['', 'US', ANONYMOUS], ['anonymous', undefined, ANONYMOUS], ['Restricted', 'US', ANONYMOUS], ['tel:+1(415)555-0101', undefined, '+14155550101'], ['4155550101', undefined, '4155550101'],
  ])('%s in %s is %s', (user, country, number) => { expect(callerNumber(user, country)).toBe(number); });

  it('is the customer of an inbound call, the one called of an outbound one', () => {
    const numbers = { toNumber: '+1', fromNumber: '+2' };
    expect([customerNumber({ ...numbers, direction: 'inbound' }), customerNumber({ ...numbers, direction: 'outbound' })]).toEqual(['+2', '+1']);
  });
});

it('takes any text, and gives nothing that could break a line, a template or a log', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('US', 'DE', undefined), (user, country) => {
    for (const number of [...calledNumbers(user, country), callerNumber(user, country)]) {
      expect(number.length).toBeLessThanOrEqual(66);
      expect(number).toMatch(/^[\w+.!~*'()&=$,;?/#-]+$/);
    }
  }));
});
