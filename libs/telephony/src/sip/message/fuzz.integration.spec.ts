import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { silentLogger, type Logger } from '@dialfleet/kit';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Timers } from 'sip.js/lib/core/timers.js';
import type { ServerLocator } from '../locate/sip-target.js';
import { SipEndpoint, type SipEndpointOptions } from '../sip-endpoint.js';
import { FakeMedia } from '../testing/fake-media.js';
import { mutatedMessages } from '../testing/message-mutator.js';
import { tortureMessages } from '../testing/torture-messages.js';
import type { Peer } from './wire.js';

const MESSAGES = 100_000;
const BLOCK_MS = 20;
const SEED = 20_261_123;
/** Nobody listens there. */
const SOURCE: Peer = { address: '127.44.0.99', port: 5060, transport: 'udp' };
const nowhere: ServerLocator = { locate: () => Promise.reject(new Error('not in this test')), failed: () => undefined };

/** An INVITE as from an exchange: ISUP beside the session description (RFC 3204). */
const PARTS = ['--b1', 'Content-Type: application/sdp', '', 'v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0', 'm=audio 4000 RTP/AVP 8 0 101', 'a=rtpmap:101 telephone-event/8000', '',
  '--b1', 'Content-Type: application/isup;version=itu-t92+', 'Content-Disposition: signal;handling=optional', '', '\x01\x11\x48\x00', '--b1--', ''].join('\r\n');
const WITH_PARTS = Buffer.from([
  'INVITE sip:+14155550100@127.0.0.1 SIP/2.0', 'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKparts;rport', 'From: "Ann" <sip:+14155550177@192.0.2.1>;tag=p', 'To: <sip:+14155550100@127.0.0.1>',
  'Call-ID: parts@192.0.2.1', 'CSeq: 1 INVITE', 'Max-Forwards: 70', 'Contact: <sip:+14155550177@192.0.2.1>', 'Supported: 100rel, timer', 'Session-Expires: 1800;refresher=uac', 'Record-Route: <sip:192.0.2.9;lr>',
  'MIME-Version: 1.0', 'Content-Type: multipart/mixed;boundary=b1', `Content-Length: ${PARTS.length}`, '', PARTS].join('\r\n'), 'latin1');

type Inside = { intake: { receive(text: string, source: Peer): void }; transport: { tap: { sent(text: string, ...rest: unknown[]): void } } };
const inside = (endpoint: SipEndpoint): Inside => endpoint as unknown as Inside;
/** What was caught on the way. */
const failures: string[] = [];
const logger: Logger = { ...silentLogger, warn: (message, fields) => { if (message.startsWith('SIP message could not')) failures.push(String(fields?.['error'])); } };
const start = (more: Partial<SipEndpointOptions> = {}): Promise<SipEndpoint> =>
  SipEndpoint.start({ transports: ['udp'], bindAddress: '127.0.0.1', port: 0, userAgent: 'test', media: new FakeMedia(), logger, ...more });
const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

const timers = Timers as unknown as Record<string, number>;
const usual = { ...timers };
const collect = (): void => { setFlagsFromString('--expose-gc'); (runInNewContext('gc') as () => void)(); };

const named = new Map<string, string>();
/** Tags, branches and the like by their turn, as long as they were: each run mutates the same messages. */
const withoutChance = (text: string): string => text.replace(/(branch=|tag=|Call-ID: |o=\S+ )([^\s;>]+)/g, (_all, what: string, value: string) => {
  const name = named.get(value) ?? (what.startsWith('o=') ? '1' : `${what === 'branch=' ? 'z9hG4bK' : ''}n${named.size}`).padEnd(value.length, '0').slice(0, value.length);
  named.set(value, name);
  return what + name;
});

/** What both sides of two calls put onto the wire: one hung up by the caller, one refused. */
async function realMessages(): Promise<Buffer[]> {
  const [caller, callee] = await Promise.all([start(), start()]);
  const messages: Buffer[] = [];
  for (const endpoint of [caller, callee]) {
    const { tap } = inside(endpoint).transport;
    inside(endpoint).transport.tap = { sent: (text, ...rest) => { messages.push(Buffer.from(text)); tap.sent(text, ...rest); } };
  }
  callee.onInvite(async (call) => {
    if (call.toUser === 'busy') { call.reject(486); return; }
    call.ring();
    await call.earlyMedia();
    await call.answer();
  });
  for (const dialUser of ['+14155550123', 'busy']) {
    const leg = caller.createCall({ dialUser, fromNumber: '+14155550100', trunk: { host: '127.0.0.1', port: callee.port, transport: 'udp', codecs: ['PCMU', 'PCMA'] } });
    await new Promise<void>((resolve) => {
      leg.events.on('answered', () => { leg.hangUp(); });
      leg.events.on('released', () => { resolve(); });
      leg.events.on('failed', () => { resolve(); });
      void leg.start();
    });
  }
  await Promise.all([caller.stop(100), callee.stop(100)]);
  return messages.map((bytes) => Buffer.from(withoutChance(bytes.toString()).replaceAll(String(caller.port), '50601').replaceAll(String(callee.port), '50602')));
}

let endpoint: SipEndpoint;
beforeAll(async () => {
  for (const name of Object.keys(timers)) if (name.startsWith('TIMER_')) timers[name] = 150;
  endpoint = await start({ locator: nowhere });
  let offered = 0;
  endpoint.onInvite(async (call) => {
    if (++offered % 3 === 0) { call.reject(486); return; }
    if (offered % 3 === 1) await call.earlyMedia();
    await call.answer();
  });
});
afterAll(async () => {
  await endpoint.stop(0);
  Object.assign(timers, usual);
});

it(`takes ${MESSAGES.toLocaleString('en')} mutated messages: no crash, no block, no growth`, async () => {
  const seeds = [...tortureMessages(4475), ...tortureMessages(5118)].map(({ bytes }) => bytes).concat(await realMessages(), WITH_PARTS);
  expect(seeds.length).toBeGreaterThan(49 + 12 + 10);
  const { intake } = inside(endpoint);
  const timed = (text: string): number => { const begun = performance.now(); intake.receive(text, SOURCE); return performance.now() - begun; };
  const slow: string[] = [];
  const heap: number[] = [];
  let done = 0;
  for (const bytes of mutatedMessages(seeds, MESSAGES, SEED)) {
    const text = bytes.toString('utf8');
    if (timed(text) > BLOCK_MS) slow.push(text);
    // Timers and sockets get their turn, as between datagrams.
    if (++done % 50 === 0) await turn();
    if (done % (MESSAGES / 4) === 0) { collect(); heap.push(process.memoryUsage().heapUsed); }
  }
  expect(endpoint.stats().messagesMalformed).toBeGreaterThan(MESSAGES / 4);
  expect(failures).toEqual([]);
  expect(endpoint.stats().messagesFailed).toBe(0);
  // A neighbour on the machine may have held one up: what is slow by itself is so each time.
  expect(slow.filter((text) => Math.min(...Array.from({ length: 5 }, () => timed(text))) > BLOCK_MS)).toEqual([]);
  // What the first quarter left warm (code, caches) stays; the others add nothing to speak of.
  expect(heap[3] - heap[0]).toBeLessThan(16 << 20);

  endpoint.onInvite((call) => { call.reject(480); });
  const leftovers = (): object => { const { legs, dialogs, clientTransactions, serverTransactions, ladders } = endpoint.stats(); return { legs, dialogs, clientTransactions, serverTransactions, ladders }; };
  for (const leg of [...(endpoint as unknown as { legs: Set<{ hangUp(): void }> }).legs]) leg.hangUp();
  const none = { legs: 0, dialogs: 0, clientTransactions: 0, serverTransactions: 0, ladders: 0 };
  for (let waits = 0; waits < 100 && JSON.stringify(leftovers()) !== JSON.stringify(none); waits++) await new Promise((resolve) => { setTimeout(resolve, 50); });
  expect(leftovers()).toEqual(none);
}, 300_000);
