import { describe, expect, it } from '@jest/globals';
import { endCause } from './disconnected-by.js';

describe('disconnected_by', () => {
  it.each([408, 480, 486, 487, 600, 603])('a %i means the customer was not reached', (sipStatus) => {
    expect(endCause({ type: 'finalFailure', sipStatus }, false)).toMatchObject({ disconnectedBy: 'RNR', sipStatus });
  });
  it.each([[404, 'invalid_number'], [484, 'invalid_number'], [403, 'trunk_failed'], [500, 'trunk_failed'], [503, 'trunk_failed'], [401, 'trunk_failed']])(
    'a %i is an error: %s', (sipStatus, hangupReason) => {
      expect(endCause({ type: 'finalFailure', sipStatus }, false)).toEqual({ disconnectedBy: 'error', hangupReason, sipStatus });
    });
  it('tells who hung up', () => {
    expect(endCause({ type: 'botHangUp' }, true).disconnectedBy).toBe('bot');
    expect(endCause({ type: 'remoteHangUp' }, true).disconnectedBy).toBe('customer');
    expect(endCause({ type: 'machineDetected' }, true).disconnectedBy).toBe('voicemail');
    expect(endCause({ type: 'maxDuration' }, true)).toMatchObject({ disconnectedBy: 'timeout', hangupReason: 'max_duration' });
    expect(endCause({ type: 'silence' }, true)).toMatchObject({ disconnectedBy: 'timeout', hangupReason: 'silence' });
  });
  it('tells how a call that came in and was never answered ended', () => {
    expect(endCause({ type: 'remoteHangUp' }, false, 'inbound')).toEqual({ disconnectedBy: 'customer', hangupReason: 'customer_hung_up', sipStatus: 487 });
    expect(endCause({ type: 'cancelled' }, false, 'inbound')).toEqual({ disconnectedBy: 'bot', hangupReason: 'hangup_requested', sipStatus: 480 });
    expect(endCause({ type: 'finalFailure', sipStatus: 488 }, false, 'inbound')).toEqual({ disconnectedBy: 'error', hangupReason: 'trunk_failed', sipStatus: 488 });
    expect(endCause({ type: 'botHangUp', reason: 'outside_hours' }, true, 'inbound')).toMatchObject({ disconnectedBy: 'bot', hangupReason: 'outside_hours' });
  });
  it('counts a hang-up over the API as the bot\'s once answered, as no response before', () => {
    expect(endCause({ type: 'cancelled' }, true)).toMatchObject({ disconnectedBy: 'bot', hangupReason: 'hangup_requested' });
    expect(endCause({ type: 'cancelled' }, false)).toMatchObject({ disconnectedBy: 'RNR', hangupReason: 'cancelled' });
  });
});
