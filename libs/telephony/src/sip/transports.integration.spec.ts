import { afterEach, describe, expect, it } from '@jest/globals';
import type { CallLeg, SipTransportName } from '@dialfleet/call';
import { silentLogger } from '@dialfleet/kit';
import type { OutboundCallOptions } from './outbound-leg.js';
import { SipEndpoint, type SipEndpointOptions } from './sip-endpoint.js';
import { FakeMedia } from './testing/fake-media.js';

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => { for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp(); });

async function endpoint(transports: SipTransportName[], options: Partial<SipEndpointOptions> = {}): Promise<SipEndpoint> {
  const sip = await SipEndpoint.start({ transports, bindAddress: '127.0.0.1', port: 0, userAgent: 'test', media: new FakeMedia(), logger: silentLogger, ...options });
  cleanUps.push(() => sip.stop(20));
  return sip;
}

const once = <T>(leg: CallLeg, type: Parameters<CallLeg['events']['on']>[0]): Promise<T> =>
  new Promise((resolve) => { leg.events.on(type, (payload) => { resolve(payload as T); }); });

const dial = (from: SipEndpoint, trunk: Partial<OutboundCallOptions['trunk']>): CallLeg =>
  from.createCall({ dialUser: '+14155550123', fromNumber: '+14155550100', trunk: { host: '127.0.0.1', transport: 'udp', codecs: ['PCMU'], ...trunk } });

describe('an endpoint of several transports', () => {
  it('has UDP and TCP on one port, and each call stays on its own', async () => {
    const callee = await endpoint(['udp', 'tcp']);
    const seen: (string | undefined)[] = [];
    callee.onInvite((offered) => {
      seen.push(`${offered.source.transport} ${/SIP\/2\.0\/(\w+)/.exec(offered.headers.via)?.[1]} ${offered.headers.contact.replace(/\d{4,}/, 'PORT')}`);
      offered.leg.events.on('hungUp', () => { seen.push('bye'); });
      return offered.answer();
    });
    const caller = await endpoint(['udp', 'tcp']);
    for (const transport of ['tcp', 'udp'] as const) {
      const leg = dial(caller, { port: callee.port, transport });
      await leg.start();
      await once(leg, 'answered');
      const released = once(leg, 'released');
      leg.hangUp();
      expect(await released).toEqual({ sipStatus: 200 });
    }
    expect(seen).toEqual(['tcp TCP <sip:dialfleet@127.0.0.1:PORT;transport=tcp>', 'bye', 'udp UDP <sip:dialfleet@127.0.0.1:PORT>', 'bye']);
  });

  it('takes no trunk of a transport that it lacks', async () => {
    const sip = await endpoint(['tcp']);
    expect(() => dial(sip, { transport: 'udp' })).toThrow('transport');
  });
});
