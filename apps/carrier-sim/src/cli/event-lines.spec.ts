import { describe, expect, it } from '@jest/globals';
import type { CarrierCall } from '../sim/carrier-call.js';
import { eventLines, timeOfDay } from './event-lines.js';

const call: CarrierCall = {
  callId: 'a', placed: false, from: '+14155550100', to: '+14155550123', persona: 'callback', state: 'ringing', invitedAtMs: 1000, answeredAtMs: null, endedAtMs: null, sipStatus: null,
  endedBy: null, endDetail: null, said: [], heard: [], dtmf: '', recordingPath: null, media: null,
};
const answered: CarrierCall = { ...call, answeredAtMs: 2500, endedAtMs: 12_540, sipStatus: 200 };
const media = { packetsSent: 500, packetsReceived: 501, packetsLost: 2, packetsLateOrDuplicate: 0, jitterMs: 1, packetsForeign: 0 };
const lines = eventLines(true);

describe('eventLines', () => {
  it('tells what happens, a line each', () => {
    expect(lines.call(call)).toBe('+14155550123  called by +14155550100, persona callback');
    expect(lines.answered(answered)).toBe('+14155550123  answered after 1.5 s');
    expect(lines.said({ call, line: { text: 'Hello.', startedAtMs: 0, endedAtMs: null } })).toBe('+14155550123  customer: Hello.');
    expect(lines.heard({ call, speech: { startedAtMs: 100, endedAtMs: 3340 } })).toBe('+14155550123  bot spoke for 3.2 s');
    expect(lines.dtmf({ call, digit: '#' })).toBe('+14155550123  bot pressed #');
  });

  it.each<[Partial<CarrierCall>, string]>([
    [{ endedBy: 'bot', sipStatus: 487 }, 'caller gave up before the answer (487)'],
    [{ endedBy: 'customer', sipStatus: 486 }, 'refused with 486'],
    [{ endedBy: 'carrier', sipStatus: 488, endDetail: 'no common codec' }, 'ended with 488 (no common codec)'],
    [{ ...answered, endedBy: 'bot' }, 'bot hung up after 10.0 s'],
    [{ ...answered, endedBy: 'customer', media, recordingPath: '/x/a.wav' }, 'customer hung up after 10.0 s; RTP 501 in, 500 out, 2 lost; /x/a.wav'],
    [{ ...answered, endedBy: 'carrier', endDetail: 'no RTP for 15000 ms' }, 'ended (no RTP for 15000 ms) after 10.0 s'],
  ])('tells how a call ended: %j', (how, text) => {
    expect(lines.ended({ ...call, state: 'ended', ...how })).toBe(`+14155550123  ${text}`);
  });

  it('hides numbers unless asked to show them', () => {
    const text = eventLines(false).call(call);
    expect(text).not.toContain('5550123');
    expect(text).not.toContain('5550100');
    expect(eventLines(false).unauthorised({ callId: 'a', from: '', to: '+14155550123', verdict: 'refused' })).toMatch(/from anonymous refused: wrong credentials/);
  });

  it('writes the time of day', () => {
    expect(timeOfDay(new Date(2026, 0, 2, 3, 4, 5, 6).getTime())).toBe('03:04:05.006');
  });
});
