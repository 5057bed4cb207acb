import { afterEach, describe, expect, it } from '@jest/globals';
import { silentLogger, VirtualClock } from '@dialfleet/kit';
import type { Answer } from 'dns-packet';
import { dnsNames } from './name-service.js';
import { DnsLocator, FAILED_MS, type LocatorOptions } from './server-locator.js';
import { SipEndpoint } from '../sip-endpoint.js';
import type { SipDestination } from './sip-target.js';
import { TestDnsServer } from '../testing/dns-server.js';
import { FakeMedia } from '../testing/fake-media.js';
import { LegObserver } from '../testing/leg-observer.js';

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => { for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp(); });

const a = (name: string, data: string, ttl = 300): Answer => ({ type: 'A', name, data, ttl });
const aaaa = (name: string, data: string): Answer => ({ type: 'AAAA', name, data, ttl: 300 });
const srv = (name: string, target: string, port: number, priority = 10, weight = 10): Answer => ({ type: 'SRV', name, ttl: 300, data: { target, port, priority, weight } });
const naptr = (name: string, services: string, replacement: string, order = 10): Answer => ({ type: 'NAPTR', name, ttl: 300, data: { order, preference: 10, flags: 's', services, regexp: '', replacement } });

interface SetUp { dns: TestDnsServer; clock: VirtualClock; locator: DnsLocator; places: (destination: Partial<SipDestination>) => Promise<string[]> }
async function setUp(answers: Answer[], options: Partial<LocatorOptions> = {}): Promise<SetUp> {
  const dns = await TestDnsServer.start(answers);
  cleanUps.push(() => dns.close());
  const clock = new VirtualClock();
  const locator = new DnsLocator({ clock, names: dnsNames(clock, [dns.address]), random: () => 0.5, ...options });
  const places = async (destination: Partial<SipDestination>): Promise<string[]> =>
    (await locator.locate({ host: 'carrier.test', transport: 'udp', ...destination })).map(({ address, port }) => `${address} ${port}`);
  return { dns, clock, locator, places };
}

describe('DnsLocator', () => {
  it('asks for SRV of the transport, and takes priorities in order', async () => {
    const { places, locator } = await setUp([
      srv('_sip._udp.carrier.test', 'b.carrier.test', 5070, 20), srv('_sip._udp.carrier.test', 'a.carrier.test', 5062, 10), srv('_sips._tcp.carrier.test', 'a.carrier.test', 5063),
      a('a.carrier.test', '192.0.2.1'), a('b.carrier.test', '192.0.2.2'), a('b.carrier.test', '192.0.2.3'),
    ]);
    expect(await places({})).toEqual(['192.0.2.1 5062', '192.0.2.2 5070', '192.0.2.3 5070']);
    expect(await locator.locate({ host: 'carrier.test', transport: 'tls', tls: { ca: 'CA' } })).toEqual([{ transport: 'tls', address: '192.0.2.1', port: 5063, hostname: 'carrier.test', tls: { ca: 'CA' }, wsPath: undefined }]);
  });

  it('lets NAPTR name another SRV record, for its own transport only', async () => {
    const { places } = await setUp([
      naptr('carrier.test', 'SIP+D2U', '_sip._udp.pop.test'), naptr('carrier.test', 'SIPS+D2T', '_sips._tcp.pop.test', 5), naptr('carrier.test', 'SIP+D2W', '_ws.pop.test'),
      srv('_sip._udp.pop.test', 'a.pop.test', 5066), srv('_sip._udp.carrier.test', 'wrong.test', 1), srv('_ws.pop.test', 'a.pop.test', 8080), srv('_sip._tcp.carrier.test', 'a.pop.test', 5067), a('a.pop.test', '192.0.2.9'),
    ]);
    expect(await places({})).toEqual(['192.0.2.9 5066']);
    expect(await places({ transport: 'ws' })).toEqual(['192.0.2.9 8080']);
    expect(await places({ transport: 'tcp' })).toEqual(['192.0.2.9 5067']);
  });

  it('takes the address and the default port where there is no SRV, and asks for none where a port is given', async () => {
    const { places, dns } = await setUp([a('carrier.test', '192.0.2.5')]);
    expect(await places({ port: 5080 })).toEqual(['192.0.2.5 5080']);
    expect(dns.asked.filter((question) => !/^A/.test(question))).toEqual([]);
    expect([await places({}), await places({ transport: 'tls' }), await places({ transport: 'wss' })]).toEqual([['192.0.2.5 5060'], ['192.0.2.5 5061'], ['192.0.2.5 443']]);
    expect(await places({ host: '192.0.2.8' })).toEqual(['192.0.2.8 5060']);
  });

  it('hears a service that says it is not to be had (RFC 2782)', async () => {
    const { places } = await setUp([srv('_sip._udp.carrier.test', '.', 0), a('carrier.test', '192.0.2.5')]);
    await expect(places({})).rejects.toThrow('carrier.test offers no SIP over UDP');
  });

  it('spreads calls by weight', async () => {
    let lot = 0;
    const { places } = await setUp([srv('_sip._udp.carrier.test', 'a.test', 1, 10, 30), srv('_sip._udp.carrier.test', 'b.test', 2, 10, 10), a('a.test', '192.0.2.1'), a('b.test', '192.0.2.2')], { random: () => lot });
    expect((await places({}))[0]).toMatch(/ 1$| 2$/);
    const firsts = [];
    for (lot = 0.05; lot < 1; lot += 0.1) firsts.push((await places({}))[0].slice(-1));
    expect([firsts.filter((port) => port === '1').length, firsts.filter((port) => port === '2').length].sort((x, y) => y - x)).toEqual([8, 2]);
  });

  it('puts those that failed last for a while', async () => {
    const { places, locator, clock } = await setUp([srv('_sip._udp.carrier.test', 'a.test', 1, 1), srv('_sip._udp.carrier.test', 'b.test', 2, 2), a('a.test', '192.0.2.1'), a('b.test', '192.0.2.2')]);
    const [first] = await locator.locate({ host: 'carrier.test', transport: 'udp' });
    locator.failed(first);
    expect(await places({})).toEqual(['192.0.2.2 2', '192.0.2.1 1']);
    clock.advance(FAILED_MS + 1);
    expect(await places({})).toEqual(['192.0.2.1 1', '192.0.2.2 2']);
    locator.failed(first, 120_000);
    clock.advance(FAILED_MS + 1);
    expect((await places({}))[0]).toBe('192.0.2.2 2');
  });

  it('has IPv4 before IPv6, and only what can be reached', async () => {
    const answers = [aaaa('carrier.test', '2001:db8::5'), a('carrier.test', '192.0.2.5'), aaaa('six.test', '2001:db8::6')];
    expect(await (await setUp(answers)).places({ port: 1 })).toEqual(['192.0.2.5 1', '2001:db8::5 1']);
    expect(await (await setUp(answers, { families: [6] })).places({ port: 1 })).toEqual(['2001:db8::5 1']);
    await expect((await setUp(answers, { families: [4] })).places({ host: 'six.test', port: 1 })).rejects.toThrow('host six.test has only IPv6 addresses');
  });

  it('remembers answers, and for a shorter time that there is none', async () => {
    const { places, dns, clock } = await setUp([a('carrier.test', '192.0.2.5', 20)]);
    await Promise.all([places({}), places({})]);
    await places({});
    expect(dns.asked.sort()).toEqual(['A carrier.test', 'AAAA carrier.test', 'NAPTR carrier.test', 'SRV _sip._udp.carrier.test']);
    clock.advance(20_001);
    await places({});
    expect(dns.asked).toHaveLength(6);
    await expect(places({ host: 'nowhere.test', port: 1 })).rejects.toThrow('host nowhere.test does not resolve (ENOTFOUND)');
    dns.knows([a('nowhere.test', '192.0.2.6')]);
    await expect(places({ host: 'nowhere.test', port: 1 })).rejects.toThrow('does not resolve');
    clock.advance(3_001);
    expect(await places({ host: 'nowhere.test', port: 1 })).toEqual(['192.0.2.6 1']);
  });

  it('names a place once, however many records lead to it', async () => {
    const { places } = await setUp([srv('_sip._udp.carrier.test', 'a.test', 5060, 1), srv('_sip._udp.carrier.test', 'b.test', 5060, 2), srv('_sip._udp.carrier.test', 'b.test', 5070, 3),
      a('a.test', '192.0.2.1'), a('b.test', '192.0.2.1')]);
    expect(await places({})).toEqual(['192.0.2.1 5060', '192.0.2.1 5070']);
  });

  it('passes over a server whose name does not resolve', async () => {
    const { places } = await setUp([srv('_sip._udp.carrier.test', 'gone.test', 1, 1), srv('_sip._udp.carrier.test', 'b.test', 2, 2), a('b.test', '192.0.2.2')]);
    expect(await places({})).toEqual(['192.0.2.2 2']);
  });

  it('goes on working for names of this machine (/etc/hosts)', async () => {
    const clock = new VirtualClock();
    const locator = new DnsLocator({ clock, names: dnsNames(clock) });
    expect((await locator.locate({ host: 'localhost', transport: 'udp' }))[0]).toMatchObject({ address: '127.0.0.1', port: 5060 });
  });
});

describe('a call to a carrier that is found by SRV', () => {
  it.each(['udp', 'tcp'] as const)('goes on over %s to the next server when the first is not there, and begins with that one from then on', async (transport) => {
    const start = (): Promise<SipEndpoint> => SipEndpoint.start({ transports: ['udp', 'tcp'], bindAddress: '127.0.0.1', port: 0, userAgent: 'test', media: new FakeMedia(), logger: silentLogger });
    const [gone, callee] = await Promise.all([start(), start()]);
    const closedPort = gone.port;
    await gone.stop();
    const dns = await TestDnsServer.start([srv(`_sip._${transport}.carrier.test`, 'sbc.carrier.test', closedPort, 1), srv(`_sip._${transport}.carrier.test`, 'sbc.carrier.test', callee.port, 2), a('sbc.carrier.test', '127.0.0.1')]);
    const clock = new VirtualClock();
    const locator = new DnsLocator({ clock, names: dnsNames(clock, [dns.address]) });
    const caller = await SipEndpoint.start({ transports: ['udp', 'tcp'], bindAddress: '127.0.0.1', port: 0, userAgent: 'test', media: new FakeMedia(), logger: silentLogger, locator });
    cleanUps.push(() => dns.close(), () => callee.stop(20), () => caller.stop(20));
    callee.onInvite((offered) => offered.answer());
    for (let call = 0; call < 2; call++) {
      const observer = new LegObserver(caller.createCall({ dialUser: '1', fromNumber: '2', trunk: { host: 'carrier.test', transport, codecs: ['PCMU'] } }));
      await observer.leg.start();
      await observer.until('answered');
      observer.leg.hangUp();
      expect(await observer.until('released')).toMatchObject({ sipStatus: 200 });
      expect((await locator.locate({ host: 'carrier.test', transport })).map(({ port }) => port)).toEqual([callee.port, closedPort]);
    }
  });
});
