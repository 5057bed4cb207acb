import { describe, expect, it } from '@jest/globals';
import { reasonText, refusalReason } from './refusal-reason.js';

const response = (headers: Record<string, string[]>) => ({ getHeader: (name: string) => headers[name]?.[0], getHeaders: (name: string) => headers[name] ?? [] });

describe('why a call was refused', () => {
  it.each<[string, Record<string, string[]>, string]>([
    ['Busy Here', {}, 'Busy Here'],
    ['Service Unavailable', { reason: ['Q.850;cause=34'] }, 'Service Unavailable (Q.850 cause 34: no circuit available)'],
    ['Decline', { reason: ['Q.850 ;cause=21 ;text="Call \\"Rejected\\""'] }, 'Decline (Q.850 cause 21: Call "Rejected")'],
    ['Forbidden', { warning: ['399 sbc1.example.com "Caller id not allowed"'] }, 'Forbidden (Caller id not allowed)'],
    ['Service Unavailable', { 'retry-after': ['120 (maintenance);duration=60'], warning: ['399 x "Maintenance"'] }, 'Service Unavailable (Maintenance; to be tried again after 120 s)'],
    ['Gone', { reason: ['SIP;cause=410;text="Gone"', 'Q.850;cause=22'] }, 'Gone (SIP cause 410: Gone; Q.850 cause 22: number changed)'],
    ['Bad Extension', { unsupported: ['100rel', 'timer'] }, 'Bad Extension (unsupported there: 100rel; unsupported there: timer)'],
    ['Forbidden', { reason: [';;;'], warning: ['nonsense'], 'retry-after': ['soon'] }, 'Forbidden'],
  ])('%s %j', (phrase, headers, expected) => { expect(refusalReason(phrase, response(headers))).toBe(expected); });

  it('is one line of bounded length, whatever the far end says', () => {
    const told = refusalReason('No', response({ warning: [`399 x "${'long '.repeat(200)}\x07"`] }));
    expect(told.length).toBeLessThanOrEqual(200);
    expect(told).not.toMatch(/[\x00-\x1f]/);
    expect(reasonText('')).toBeUndefined();
  });
});
