import type { CallLeg } from '@dialfleet/call';
import type { CarrierSim, PersonaChoice } from '@dialfleet/carrier-sim';
import { sineWave } from '@dialfleet/media';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectCarrier, eventually } from '../harness/integrator.js';
import { transcribeChannels } from '../harness/listen-to-recording.js';
import { customers, startCarrier, TestFleet } from '../harness/test-fleet.js';
import { hearTone, once, startCaller } from '../interop/library-caller.js';

const WAITS = '+14155550121';
const COLLEAGUE = '+14155550122';
const personas: PersonaChoice = {
  default: 'callback',
  byNumber: {
    [customers.busy]: 'busy',
    [WAITS]: { name: 'waits', turns: [{ says: 'Please connect me with somebody else.' }, { says: 'I would like to order twenty wooden chairs please.', silence_ms: 1500 }] },
    [COLLEAGUE]: {
      name: 'colleague', answers: { after_ms: 2500 },
      turns: [{ says: 'Good morning, you are speaking with the sales department.', when: 'at_once' }, { says: 'Thank you for your order and good bye.', silence_ms: 1500 }, { hangs_up: true }],
    },
  },
};

describe('a customer is handed over', () => {
  let fleet: TestFleet;
  let referring: CarrierSim;
  let botId: string;
  beforeAll(async () => {
    fleet = await TestFleet.start({ carrier: { personas } });
    referring = await startCarrier({ personas, takesRefer: true });
    botId = await fleet.bot({ opening_message: 'Hello, this is Green Dental.' });
  });
  afterAll(async () => {
    await fleet?.stop();
    await referring?.stop();
  });

  const talkingTo = async (bot: string, number: string): Promise<string> => {
    const sessionId = await fleet.dial(bot, number);
    await fleet.event(sessionId, 'turn.customer');
    return sessionId;
  };
  const transfer = (sessionId: string, target: string) => fleet.api.post(`/api/v1/calls/${sessionId}/transfer`, { target });

  it('over a bridge where the carrier refuses REFER: both hear each other, the recording has them both', async () => {
    const sessionId = await talkingTo(botId, WAITS);
    await transfer(sessionId, '+1 415 555 0122');
    await fleet.event(sessionId, 'transfer.bridged');
    await expect(transfer(sessionId, COLLEAGUE)).rejects.toThrow(/call_not_in_conversation|409/);
    const result = await fleet.result(sessionId);
    expect(result).toMatchObject({ disconnected_by: 'bot', hangup_reason: 'transferred', was_transferred: true, transferred_to: COLLEAGUE, recording_status: 'ready' });
    const transfers = result.events.filter(({ type }) => type.startsWith('transfer.'));
    expect(transfers.map(({ type }) => type)).toEqual(['transfer.started', 'transfer.progress', 'transfer.progress', 'transfer.bridged', 'transfer.finished']);
    expect(transfers[1].data).toMatchObject({ method: 'refer', sip_status: 603 });
    expect(transfers[4].data).toMatchObject({ method: 'bridge', ended_by: 'target' });
    const second = fleet.carrier.calls.find(({ to }) => to === COLLEAGUE);
    expect([second?.from, second?.endedBy]).toEqual(['+14155550100', 'customer']);
    expect(second?.heard.length).toBeGreaterThan(0);
    const heard = await transcribeChannels(Buffer.from(await (await fetch(String(result.recording_url))).arrayBuffer()));
    expect(heard.bot.toLowerCase()).toMatch(/sales|department|speaking/);
    expect(heard.customer.toLowerCase()).toMatch(/chairs|order|wooden/);
    expect(heard.customer.toLowerCase()).not.toContain('department');
    await eventually('both legs are gone at the carrier', () => (fleet.carrier.calls.every(({ state }) => state === 'ended') ? true : undefined));
  });

  it('and comes back to the bot when the target is busy', async () => {
    const sessionId = await talkingTo(botId, WAITS);
    await transfer(sessionId, customers.busy);
    expect((await fleet.event(sessionId, 'transfer.failed')).data).toMatchObject({ sip_status: 486 });
    await eventually('the bot says so', async () => {
      const { transcript } = await fleet.api.get<{ transcript: { speaker: string; text: string }[] }>(`/api/v1/calls/${sessionId}/transcript`);
      return transcript.find(({ speaker, text }) => speaker === 'bot' && text.includes('could not reach anyone'));
    });
    await fleet.api.post(`/api/v1/calls/${sessionId}/hangup`, {});
    expect(await fleet.result(sessionId)).toMatchObject({ hangup_reason: 'hangup_requested', was_transferred: false, transferred_to: null });
  });

  it('by REFER where the carrier takes it', async () => {
    const trunkId = await connectCarrier(fleet.api, referring.port);
    const sessionId = await talkingTo(await fleet.bot({ trunk_id: trunkId, opening_message: 'Hello, this is Green Dental.' }), WAITS);
    const referred = referring.next('referred');
    await transfer(sessionId, COLLEAGUE);
    expect((await referred).target).toBe(COLLEAGUE);
    const result = await fleet.result(sessionId);
    expect(result).toMatchObject({ disconnected_by: 'bot', hangup_reason: 'transferred', was_transferred: true, transferred_to: COLLEAGUE });
    expect(result.events.find(({ type }) => type === 'transfer.finished')?.data).toMatchObject({ method: 'refer' });
    expect(referring.calls.filter(({ to }) => to === COLLEAGUE)).toEqual([]);
  });

  it('only where the trunk may call', async () => {
    const trunkId = await fleet.trunk({ port: fleet.carrier.port, allowed_prefixes: ['+1415555012'] });
    const sessionId = await talkingTo(await fleet.bot({ trunk_id: trunkId, opening_message: 'Hello, this is Green Dental.' }), WAITS);
    await expect(transfer(sessionId, '+4930123456')).rejects.toThrow(/destination_blocked|422/);
    await fleet.api.post(`/api/v1/calls/${sessionId}/hangup`, {});
    expect(await fleet.result(sessionId)).toMatchObject({ was_transferred: false });
  });

  it('on the far end\'s own word, where its trunk may refer us', async () => {
    const farEnd = await startCaller('udp');
    try {
      const legs = new Map<string, CallLeg>();
      farEnd.sip.onInvite((call) => { legs.set(call.toUser, call.leg); return call.answer(); });
      const trunkId = await fleet.trunk({ port: farEnd.sip.port, allow_refer: true });
      const sessionId = await fleet.dial(await fleet.bot({ trunk_id: trunkId, opening_message: 'Hello, this is Green Dental.' }), WAITS);
      await fleet.event(sessionId, 'turn.bot');
      const customer = legs.get(WAITS) as CallLeg;
      expect(await customer.transfer?.(COLLEAGUE)).toEqual({ ok: true });
      const colleague = legs.get(COLLEAGUE) as CallLeg;
      colleague.audioOut.play('tone', sineWave({ frequencyHz: 600, durationMs: 8_000 }));
      expect(await hearTone(customer, 600, 0.8)).toBeGreaterThan(0.8);
      const released = once(colleague, 'hungUp');
      customer.hangUp();
      await released;
      const result = await fleet.result(sessionId);
      expect(result).toMatchObject({ hangup_reason: 'transferred', transferred_to: COLLEAGUE });
      expect(result.events.find(({ type }) => type === 'transfer.started')?.data).toMatchObject({ requested_by: 'far_end' });
      await Promise.all([customer.close(), colleague.close()]);
    } finally { await farEnd.stop(); }
  });
});
