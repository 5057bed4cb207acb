import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { silentLogger, systemClock } from '@dialfleet/kit';
import { sineWave } from '@dialfleet/media';
import { RtpEngine, SipEndpoint, type IncomingCall } from '@dialfleet/telephony';
import type { CustomerVoice } from '../speech/customer-voice.js';
import { CarrierSim, type CarrierSimOptions } from './carrier-sim.js';
import { parseSipAddress } from './sip-address.js';

jest.setTimeout(30_000);

const hummingVoice = (): CustomerVoice => ({ speak: () => Promise.resolve(sineWave({ frequencyHz: 700, durationMs: 300 })), close: () => Promise.resolve() });
const cleanUps: (() => unknown)[] = [];
afterEach(async () => { for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp(); });

async function startCarrier(options: CarrierSimOptions = {}): Promise<CarrierSim> {
  const carrier = await CarrierSim.start({ voice: hummingVoice(), ...options });
  cleanUps.push(() => carrier.stop());
  return carrier;
}

/** Somebody who is called. */
async function startCalled(onCall: (call: IncomingCall) => void | Promise<void>): Promise<string> {
  const media = new RtpEngine({ bindAddress: '127.0.0.1', clock: systemClock, logger: silentLogger });
  const sip = await SipEndpoint.start({ transport: 'udp', bindAddress: '127.0.0.1', port: 0, userAgent: 'called', media, logger: silentLogger });
  sip.onInvite(onCall);
  cleanUps.push(() => media.close(), () => sip.stop());
  return `sip:+14155550100@127.0.0.1:${sip.port}`;
}

describe('a customer who calls', () => {
  it('speaks its lines once answered, presses keys, and hangs up', async () => {
    let heard: IncomingCall | undefined;
    let digits = '';
    const to = await startCalled(async (call) => {
      heard = call;
      call.leg.events.on('dtmf', ({ digit }) => { digits += digit; });
      call.ring();
      await call.answer();
    });
    const carrier = await startCarrier();
    const statuses: number[] = [];
    carrier.on('ringing', ({ sipStatus }) => statuses.push(sipStatus));
    const call = carrier.dial({ to, from: '+14155550177', headers: { 'X-Customer-Id': 'C-1' }, persona: { name: 'caller', turns: [{ says: 'Hello.', when: 'at_once' }, { sends_dtmf: '12', when: 'at_once' }, { hangs_up: true }] } });
    await call.finished;
    expect(call.record).toMatchObject({ placed: true, from: '+14155550177', to: '+14155550100', persona: 'caller', state: 'ended', endedBy: 'customer', sipStatus: 200, said: [{ text: 'Hello.' }] });
    expect([heard?.fromUser, heard?.toUser, heard?.headers['x-customer-id'], digits]).toEqual(['+14155550177', '+14155550100', 'C-1', '12']);
    expect(statuses).toContain(180);
    expect(carrier.calls).toEqual([call.record]);
  });

  it('is told when it is refused', async () => {
    const to = await startCalled((call) => { call.reject(480, { reason: 'Outside Active Hours', retryAfterSeconds: 60 }); });
    const call = (await startCarrier()).dial({ to, persona: 'silent' });
    await call.finished;
    expect(call.record).toMatchObject({ state: 'ended', endedBy: 'bot', sipStatus: 480, answeredAtMs: null, recordingPath: null });
  });

  it('may give up while it rings', async () => {
    let cancelled: () => void = () => undefined;
    const cancel = new Promise<void>((resolve) => { cancelled = resolve; });
    const to = await startCalled((call) => { call.leg.events.on('hungUp', () => { cancelled(); }); call.ring(); });
    const carrier = await startCarrier();
    const ringing = carrier.next('ringing', ({ sipStatus }) => sipStatus === 180);
    const call = carrier.dial({ to, persona: 'silent' });
    await ringing;
    call.hangUp();
    await call.finished;
    expect([call.record.endedBy, call.record.sipStatus]).toEqual(['customer', 487]);
    await cancel;
  });

  it('calls another simulated carrier', async () => {
    const other = await startCarrier({ personas: { default: { name: 'picks-up', answers: { after_ms: 0 }, turns: [{ says: 'Yes?', when: 'at_once' }, { hangs_up: true }] } } });
    const call = (await startCarrier()).dial({ to: `sip:100@127.0.0.1:${other.port}`, from: 'anonymous', persona: 'silent' });
    await call.finished;
    expect(call.record).toMatchObject({ endedBy: 'bot', sipStatus: 200 });
    expect(other.calls[0]).toMatchObject({ from: 'anonymous', to: '100', placed: false, endedBy: 'customer' });
  });
});

describe('whom a customer calls', () => {
  it('is a SIP address', () => {
    expect(parseSipAddress('sip:+1415@sip.example')).toEqual({ user: '+1415', host: 'sip.example', port: undefined, transport: undefined });
    expect(parseSipAddress('SIP:100@[::1]:5080;transport=TCP')).toEqual({ user: '100', host: '::1', port: 5080, transport: 'tcp' });
  });
  it.each(['', 'fred', 'tel:+1415', 'sip:@host', 'sip:a@host:0', 'sip:a@host:70000', 'sip:a b@host', 'sip:a@host\r\nX: y', 'sip:a@host;transport=tls'])('and not %j', (text) => {
    expect(() => parseSipAddress(text)).toThrow('is not a SIP address');
  });
});
