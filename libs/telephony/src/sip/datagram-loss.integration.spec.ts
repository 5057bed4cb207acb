import { describe, expect, it } from '@jest/globals';
import type { CallLeg } from '@dialfleet/call';
import { silentLogger } from '@dialfleet/kit';
import { SipEndpoint } from './sip-endpoint.js';
import { FakeMedia } from './testing/fake-media.js';

const CALLS = 100;
const REFUSED = 10;
const LOSS = 0.2;

const reached = (leg: CallLeg): Promise<string> => new Promise((resolve) => {
  leg.events.on('answered', () => resolve('answered'));
  leg.events.on('failed', ({ sipStatus }) => resolve(`failed ${sipStatus}`));
  leg.events.on('fault', ({ detail }) => resolve(`fault ${detail}`));
});
const released = (leg: CallLeg): Promise<number | null> => new Promise((resolve) => { leg.events.on('released', ({ sipStatus }) => resolve(sipStatus)); });

describe('signalling with a fifth of all datagrams lost each way', () => {
  it(`sets up ${CALLS} of ${CALLS} calls and ends them, and hears of ${REFUSED} of ${REFUSED} refusals`, async () => {
    const options = { transport: 'udp', bindAddress: '127.0.0.1', port: 0, userAgent: 'test', logger: silentLogger } as const;
    const callee = await SipEndpoint.start({ ...options, media: new FakeMedia() });
    const caller = await SipEndpoint.start({ ...options, media: new FakeMedia(), loss: { inRatio: LOSS, outRatio: LOSS, seed: 7 } });
    callee.onInvite(async (call) => {
      call.ring();
      if (call.toUser === 'busy') call.reject(486); else await call.answer();
    });
    const dialled = [...Array.from({ length: CALLS }, (_, i) => `user${i}`), ...Array.from({ length: REFUSED }, () => 'busy')];
    const outcomes = await Promise.all(dialled.map(async (dialUser) => {
      const leg = caller.createCall({ trunk: { host: '127.0.0.1', port: callee.port, transport: 'udp', codecs: [] }, dialUser, fromNumber: 'bot' });
      const outcome = reached(leg);
      await leg.start();
      const result = await outcome;
      const end = released(leg);
      leg.hangUp();
      await end;
      return result;
    }));
    const stats = caller.stats();
    await Promise.all([caller.stop(), callee.stop()]);
    expect(outcomes.filter((outcome) => outcome === 'answered')).toHaveLength(CALLS);
    expect(outcomes.filter((outcome) => outcome === 'failed 486')).toHaveLength(REFUSED);
    expect(stats.requestsRepeated).toBeGreaterThan(20);
    expect(stats.legs).toBe(0);
  }, 90_000);
});
