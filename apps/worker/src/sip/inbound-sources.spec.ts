import type { TrunkEntry } from '@dialfleet/fleet';
import { silentLogger, VirtualClock } from '@dialfleet/kit';
import { describe, expect, it } from '@jest/globals';
import { InboundSources } from './inbound-sources.js';

const entry = (trunkId: string, host: string, inboundSources: string[] = []): TrunkEntry => ({
  workspaceId: 'ws', trunk: { trunkId, host, transport: 'udp', codecs: ['PCMU'] }, register: false, registerExpiresSeconds: 3600, inboundSources, inboundAuth: false,
});

function sources(hosts: Record<string, string[] | Error> = {}) {
  const clock = new VirtualClock();
  const asked: string[] = [];
  const known = new InboundSources(({ host }) => {
    asked.push(host);
    const answer = hosts[host] ?? [];
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  }, clock, silentLogger);
  return { known, clock, hosts, asked };
}

describe('where callers may come from', () => {
  it.each<[string, string, boolean]>([
    ['203.0.113.0/24', '203.0.113.77', true], ['203.0.113.0/24', '203.0.114.1', false], ['203.0.113.9', '203.0.113.9', true], ['203.0.113.9', '203.0.113.10', false],
    ['203.0.113.0/24', '::ffff:203.0.113.77', true], ['2001:db8::/32', '2001:db8:1::5', true], ['2001:db8::/32', '2001:db9::5', false], ['::1', '::1', true],
    ['::ffff:203.0.113.0/120', '203.0.113.77', true], ['0.0.0.0/0', '198.51.100.1', true], ['0.0.0.0/0', '2001:db8::1', false],
    ['nonsense', '203.0.113.1', false], ['203.0.113.0/99', '203.0.113.1', false], ['203.0.113.0/24', 'nonsense', false],
  ])('%s and %s: %s', (range, address, expected) => {
    const { known } = sources();
    known.learn([entry('a', 'sip.invalid', [range])]);
    expect(known.trunksAt(address)).toEqual(expected ? ['a'] : []);
  });

  it('are the addresses of the trunks\' hosts, too, as they are now, or were when they last resolved', async () => {
    const { known, clock, hosts } = sources({ 'sip.carrier.example': ['198.51.100.7', '198.51.100.8'] });
    known.learn([entry('a', 'sip.carrier.example'), entry('b', 'other.example', ['198.51.100.0/24'])]);
    await clock.advanceAsync(10);
    expect([known.trunksAt('198.51.100.7'), known.trunksAt('198.51.100.9')]).toEqual([['a', 'b'], ['b']]);
    hosts['sip.carrier.example'] = new Error('ENOTFOUND');
    await clock.advanceAsync(61_000, 1000);
    expect(known.trunksAt('198.51.100.8')).toEqual(['a', 'b']);
    hosts['sip.carrier.example'] = ['198.51.100.20'];
    await clock.advanceAsync(61_000, 1000);
    expect([known.trunksAt('198.51.100.8'), known.trunksAt('198.51.100.20')]).toEqual([['b'], ['a', 'b']]);
  });

  it('change with the trunks, at once', async () => {
    const { known, clock } = sources();
    known.learn([entry('a', 'x', ['203.0.113.1'])]);
    expect(known.trunksAt('203.0.113.1')).toEqual(['a']);
    known.learn([entry('c', 'x', ['203.0.113.2'])]);
    expect([known.trunksAt('203.0.113.1'), known.trunksAt('203.0.113.2')]).toEqual([[], ['c']]);
    known.stop();
    await clock.advanceAsync(200_000, 10_000);
  });
});
