import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseWav } from '@dialfleet/media';
import { customers, TestFleet } from '../harness/test-fleet.js';

const longOpening = 'Hello. This is a long announcement about the opening hours of our practice during the coming holidays. '
  + 'We are closed on Monday and on Tuesday. We open again on Wednesday at nine in the morning. Please bring your card with you. Can you hear me?';

describe('calls that nobody takes, or that end early', () => {
  let fleet: TestFleet;
  let botId: string;
  beforeAll(async () => { fleet = await TestFleet.start(); botId = await fleet.bot({ ring_timeout_seconds: 4 }); });
  afterAll(() => fleet?.stop());

  it('busy: 486 is RNR, with no analysis and no recording', async () => {
    expect(await fleet.result(await fleet.dial(botId, customers.busy))).toMatchObject({
      disconnected_by: 'RNR', hangup_reason: 'busy', sip_status: 486, call_duration_seconds: 0, transcript: [], recording_url: null, recording_status: 'none', analysis_status: 'skipped', answered_at: null });
  });

  it('no answer: the ring time-out cancels the call', async () => {
    const result = await fleet.result(await fleet.dial(botId, customers.noAnswer));
    expect(result).toMatchObject({ disconnected_by: 'RNR', hangup_reason: 'no_answer', call_duration_seconds: 0 });
    expect(result.ring_duration_seconds).toBeGreaterThanOrEqual(3.9);
  });

  it('rejected: 603 is RNR', async () => {
    expect(await fleet.result(await fleet.dial(botId, customers.rejects))).toMatchObject({ disconnected_by: 'RNR', hangup_reason: 'rejected', sip_status: 603 });
  });

  it('unavailable: 480 is RNR', async () => {
    expect(await fleet.result(await fleet.dial(botId, customers.unavailable))).toMatchObject({ disconnected_by: 'RNR', sip_status: 480 });
  });

  it('voicemail: the mailbox is recognised and the call ended', async () => {
    const sessionId = await fleet.dial(botId, customers.voicemail);
    expect(await fleet.result(sessionId)).toMatchObject({ disconnected_by: 'voicemail', hangup_reason: 'voicemail_detected', analysis_status: 'skipped' });
    expect((await fleet.event(sessionId, 'machine.detected')).data).toHaveProperty('reason');
  });

  it('the customer hangs up mid-sentence: the transcript keeps what was heard', async () => {
    const talker = await fleet.bot({ opening_message: longOpening });
    const result = await fleet.result(await fleet.dial(talker, customers.hangsUpEarly));
    expect(result).toMatchObject({ disconnected_by: 'customer', hangup_reason: 'customer_hung_up' });
    const spoken = result.transcript.find((turn) => turn.speaker === 'bot');
    expect(spoken).toMatchObject({ interrupted: true });
    expect(spoken?.text.length).toBeLessThan(longOpening.length);
    expect(longOpening.startsWith(String(spoken?.text).slice(0, 5))).toBe(true);
  });

  it('ringback before the answer: recorded with the call, and part of no conversation', async () => {
    const short = await fleet.bot({ opening_message: 'Hello there.', max_call_duration_seconds: 5 });
    const sessionId = await fleet.dial(short, customers.ringback);
    const result = await fleet.result(sessionId);
    expect(result).toMatchObject({ disconnected_by: 'timeout', sip_status: 200, recording_status: 'ready' });
    expect(result.transcript.every((turn) => turn.speaker === 'bot')).toBe(true);
    expect((await fleet.event(sessionId, 'call.early_media')).data).toEqual({ sip_status: 183 });
    const { data } = await fleet.event(sessionId, 'recording.finished');
    const answeredAt = Number(data['answered_at_seconds']);
    expect(answeredAt).toBeGreaterThan(2);
    expect(Number(data['duration_seconds'])).toBeGreaterThan(answeredAt + result.call_duration_seconds - 0.5);
    const { channels: [customer], sampleRateHz } = parseWav(Buffer.from(await (await fetch(String(result.recording_url))).arrayBuffer()));
    const level = (pcm: Int16Array): number => pcm.reduce((loudest, sample) => Math.max(loudest, Math.abs(sample)), 0);
    expect(level(customer.subarray(0, Math.floor(answeredAt * sampleRateHz)))).toBeGreaterThan(1000);
    expect(level(customer.subarray(Math.ceil((answeredAt + 0.5) * sampleRateHz)))).toBeLessThan(200);
  });

  it('maximum duration: the call is ended and counted as a time-out', async () => {
    const short = await fleet.bot({ opening_message: longOpening, max_call_duration_seconds: 5 });
    const result = await fleet.result(await fleet.dial(short, customers.silent));
    expect(result).toMatchObject({ disconnected_by: 'timeout', hangup_reason: 'max_duration' });
    expect(result.call_duration_seconds).toBeGreaterThanOrEqual(4.9);
    expect(result.call_duration_seconds).toBeLessThan(9);
  });

  it('silence: the bot asks whether anybody is there, then ends the call', async () => {
    const patient = await fleet.bot({ opening_message: 'Hello?', silence: { enabled: true, prompt_after_ms: 1500, prompts: ['Are you still there?'], hang_up_after_prompts: 1 } });
    const result = await fleet.result(await fleet.dial(patient, customers.silent));
    expect(result).toMatchObject({ disconnected_by: 'timeout', hangup_reason: 'silence' });
    expect(result.transcript.map((turn) => turn.text).join(' ')).toContain('Are you still there?');
  });

  it('hung up over the API while it rings', async () => {
    const sessionId = await fleet.dial(botId, customers.noAnswer);
    await fleet.event(sessionId, 'call.ringing');
    await fleet.api.post(`/api/v1/calls/${sessionId}/hangup`, {});
    expect(await fleet.result(sessionId)).toMatchObject({ disconnected_by: 'RNR', hangup_reason: 'cancelled' });
  });
});
