import { describe, expect, it } from '@jest/globals';
import { sampleOutcome } from '@dialfleet/delivery';
import fc from 'fast-check';
import { asOutcome, asTimelineEvent, MalformedMessage } from './call-message.js';

const event = { eventId: 'x:0', sessionId: sampleOutcome().sessionId, workspaceId: 'ws', workerId: 'w', workerEpoch: 'e', seq: 0, at: '2026-01-05T10:00:00Z', type: 'call.accepted', data: {} };

describe('call messages', () => {
  it('pass when whole', () => {
    expect(asTimelineEvent(event)).toBe(event);
    expect(asOutcome(sampleOutcome())).toEqual(sampleOutcome());
  });
  it.each([[{ ...event, seq: 1.5 }, 'seq'], [{ ...event, at: 'soon' }, 'at'], [{ ...event, sessionId: 'x' }, 'sessionId'], [{ ...event, data: null }, 'data']])('%j has no usable %s', (payload, field) => {
    expect(() => asTimelineEvent(payload)).toThrow(`"${field}"`);
  });
  it.each([['disconnectedBy', 'nobody'], ['transcript', null], ['endedAt', null], ['callDurationSeconds', 'x']])('an outcome with %s %j is refused', (field, value) => {
    expect(() => asOutcome({ ...sampleOutcome(), [field]: value })).toThrow(MalformedMessage);
  });
  it('never fail in another way', () => {
    fc.assert(fc.property(fc.anything(), (payload) => {
      for (const read of [asTimelineEvent, asOutcome]) { try { read(payload); } catch (error) { expect(error).toBeInstanceOf(MalformedMessage); } }
    }));
  });
});
