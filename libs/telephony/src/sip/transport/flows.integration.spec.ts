import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer } from 'node:net';
import type { SipTransportName } from '@dialfleet/call';
import { silentLogger, VirtualClock } from '@dialfleet/kit';
import { WebSocketServer } from 'ws';
import { SipEndpoint, type SipEndpointOptions } from '../sip-endpoint.js';
import type { SipTarget } from '../locate/sip-target.js';
import { TestAuthority, type Pem } from '../testing/certificates.js';
import { FakeMedia } from '../testing/fake-media.js';

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => { for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp(); });

async function endpoint(transports: SipTransportName[], options: Partial<SipEndpointOptions> = {}): Promise<SipEndpoint> {
  const sip = await SipEndpoint.start({ transports, bindAddress: '127.0.0.1', port: 0, userAgent: 'test', media: new FakeMedia(), logger: silentLogger, ...options });
  cleanUps.push(() => sip.stop(20));
  return sip;
}

let authority: TestAuthority;
let server: Pem;
beforeAll(async () => {
  authority = await TestAuthority.create();
  server = await authority.issue({ ip: ['127.0.0.1'] });
});

const target = (transport: SipTransportName, port: number | undefined): SipTarget =>
  ({ transport, address: '127.0.0.1', port: port ?? 0, hostname: '127.0.0.1', tls: { ca: authority.pem.certificate } });

describe('a server asked by OPTIONS', () => {
  it.each(['udp', 'tcp', 'tls', 'ws', 'wss'] as const)('answers over %s', async (transport) => {
    const far = await endpoint(['udp', 'tcp', 'tls', 'ws', 'wss'], { listen: { tls: 0, ws: 0, wss: 0 }, tls: server });
    const near = await endpoint(['udp', 'tcp', 'tls', 'ws', 'wss']);
    expect(await near.ping(target(transport, far.portOf(transport)))).toMatchObject({ answered: true, sipStatus: 200, headers: { 'user-agent': 'test' } });
    expect(near.stats()).toMatchObject({ retransmitting: 0 });
  });

  it('or the reason is said why not', async () => {
    const far = await endpoint(['udp', 'tls'], { listen: { tls: 0 }, tls: await authority.issue({ dns: ['other.test'] }) });
    const near = await endpoint(['udp', 'tcp', 'tls']);
    expect(await near.ping(target('tls', far.portOf('tls')))).toEqual({ answered: false, reason: 'the certificate is for other.test, not 127.0.0.1' });
    const closed = await endpoint(['udp', 'tcp']);
    await closed.stop();
    expect(await near.ping(target('tcp', closed.port))).toMatchObject({ answered: false, reason: expect.stringContaining('ECONNREFUSED') });
    expect(await near.ping(target('udp', closed.port))).toEqual({ answered: false, reason: `nobody listens at UDP port ${closed.port} of 127.0.0.1` });
    const mute = createServer((socket) => { socket.on('error', () => undefined).resume(); });
    await new Promise<void>((resolve) => { mute.listen(0, '127.0.0.1', resolve); });
    cleanUps.push(() => { mute.close(); });
    expect(await near.ping(target('tcp', (mute.address() as { port: number }).port), 30)).toEqual({ answered: false, reason: 'no answer to OPTIONS within 0.03 s' });
    expect(near.stats()).toMatchObject({ clientTransactions: 0, retransmitting: 0 });
  });
});

describe('a way that is kept open', () => {
  it('is made again when the server comes back, and ends with its release', async () => {
    const far = await endpoint(['tls'], { listen: { tls: 0 }, tls: server });
    const port = far.portOf('tls');
    const near = await endpoint(['udp', 'tls']);
    const told: string[] = [];
    let wake: () => void = () => undefined;
    const until = async (count: number): Promise<void> => { while (told.length < count) await new Promise<void>((resolve) => { wake = resolve; }); };
    const tell = (what: string) => (): void => { told.push(what); wake(); };
    const kept = near.keepFlow(target('tls', port), { keepAliveSeconds: 25, onUp: tell('up'), onDown: tell('down') });
    await until(1);
    await far.stop();
    await until(2);
    const again = await endpoint(['tls'], { listen: { tls: port ?? 0 }, tls: server });
    while (told.at(-1) !== 'up') await until(told.length + 1);
    expect([told[0], told[1], told.at(-1), kept.isUp]).toEqual(['up', 'down', 'up', true]);
    expect(await near.ping(target('tls', port))).toMatchObject({ answered: true });
    kept.release();
    const before = told.length;
    await again.stop();
    expect([told.length, kept.isUp]).toEqual([before, false]);
  });

  it('is asked now and then over UDP', async () => {
    const far = await endpoint(['udp', 'tcp']);
    const near = await endpoint(['udp', 'tcp']);
    let tell: () => void = () => undefined;
    const up = new Promise<void>((resolve) => { tell = resolve; });
    const kept = near.keepFlow(target('udp', far.port), { onUp: tell });
    cleanUps.push(() => kept.release());
    await up;
    expect(kept.isUp).toBe(true);
  });

  it('is lost when the far end of a WebSocket stops to pong', async () => {
    const http = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong: false, handleProtocols: () => 'sip' });
    await new Promise((resolve) => { http.once('listening', resolve); });
    cleanUps.push(() => { for (const client of http.clients) client.terminate(); http.close(); });
    const pinged = new Promise<void>((resolve) => { http.once('connection', (socket) => { socket.once('ping', () => { resolve(); }); }); });
    const clock = new VirtualClock();
    const near = await endpoint(['ws'], { clock });
    const told: string[] = [];
    let tellUp: () => void = () => undefined;
    const up = new Promise<void>((resolve) => { tellUp = resolve; });
    const kept = near.keepFlow(target('ws', (http.address() as { port: number }).port), { onUp: tellUp, onDown: (reason) => { told.push(reason); } });
    await up;
    clock.advance(30_000);
    await pinged;
    clock.advance(10_000);
    expect([told, kept.isUp]).toEqual([['the far end does not answer keep-alives any more'], false]);
    kept.release();
  });
});
