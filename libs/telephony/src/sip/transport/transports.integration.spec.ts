import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { connect as connectTcp, createServer as createTcpServer, type Server } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { SipTransportName, TrunkTls } from '@dialfleet/call';
import { silentLogger } from '@dialfleet/kit';
import { WebSocket } from 'ws';
import type { IncomingCall } from '../set-up/incoming-call.js';
import type { OutboundCallOptions } from '../set-up/outbound-leg.js';
import { SipEndpoint, type SipEndpointOptions } from '../sip-endpoint.js';
import { TestAuthority, type Pem } from '../testing/certificates.js';
import { FakeMedia } from '../testing/fake-media.js';
import { LegObserver } from '../testing/leg-observer.js';

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => { for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp(); });

async function endpoint(transports: SipTransportName[], options: Partial<SipEndpointOptions> = {}): Promise<SipEndpoint> {
  const sip = await SipEndpoint.start({ transports, bindAddress: '127.0.0.1', port: 0, userAgent: 'test', media: new FakeMedia(), logger: silentLogger, ...options });
  cleanUps.push(() => sip.stop(20));
  return sip;
}

const dial = (from: SipEndpoint, trunk: Partial<OutboundCallOptions['trunk']>): LegObserver =>
  new LegObserver(from.createCall({ dialUser: '+14155550123', fromNumber: '+14155550100', trunk: { host: '127.0.0.1', transport: 'udp', codecs: ['PCMU'], ...trunk } }));

/** Dials, and tells why it did not work. */
async function failure(from: SipEndpoint, trunk: Partial<OutboundCallOptions['trunk']>): Promise<string> {
  const call = dial(from, trunk);
  await call.leg.start();
  const { reason } = await call.until('failed');
  return /could not be reached \((.*)\)$/.exec(reason)?.[1] ?? reason;
}

/** What the callee saw of each call: how it came, and our names in it without the ports. */
function answering(callee: SipEndpoint): { seen: string[]; calls: IncomingCall[] } {
  const seen: string[] = [];
  const calls: IncomingCall[] = [];
  callee.onInvite((offered) => {
    calls.push(offered);
    seen.push(`${offered.source.transport} ${/SIP\/2\.0\/(\w+)/.exec(offered.headers.via)?.[1]} ${offered.headers.contact.replace(/:\d{4,}/, ':PORT').replace(/[0-9a-f]{16}/, 'RANDOM')}`);
    offered.leg.events.on('hungUp', () => { seen.push('bye'); });
    return offered.answer();
  });
  return { seen, calls };
}

let authority: TestAuthority;
let stranger: TestAuthority;
let server: Pem;
let ca: TrunkTls;
beforeAll(async () => {
  [authority, stranger] = await Promise.all([TestAuthority.create(), TestAuthority.create('Stranger')]);
  server = await authority.issue({ ip: ['127.0.0.1'], dns: ['sip.carrier.test'] });
  ca = { ca: authority.pem.certificate };
});

describe('an endpoint of several transports', () => {
  it('has UDP and TCP on one port, and each call stays on its own', async () => {
    const callee = await endpoint(['udp', 'tcp']);
    const { seen } = answering(callee);
    const caller = await endpoint(['udp', 'tcp']);
    for (const transport of ['tcp', 'udp'] as const) {
      const call = dial(caller, { port: callee.port, transport });
      await call.leg.start();
      await call.until('answered');
      call.leg.hangUp();
      expect(await call.until('released')).toMatchObject({ sipStatus: 200 });
    }
    expect(seen).toEqual(['tcp TCP <sip:dialfleet@127.0.0.1:PORT;transport=tcp>', 'bye', 'udp UDP <sip:dialfleet@127.0.0.1:PORT>', 'bye']);
  });

  it('takes no trunk of a transport that it lacks', async () => {
    const sip = await endpoint(['tcp']);
    expect(() => dial(sip, { transport: 'udp' })).toThrow('transport');
  });
});

describe.each([
  ['tls', 'TLS <sip:dialfleet@127.0.0.1:PORT;transport=tls>'], ['ws', 'WS <sip:dialfleet@RANDOM.invalid;transport=ws>'], ['wss', 'WSS <sip:dialfleet@RANDOM.invalid;transport=wss>'],
] as const)('a caller over %s that does not listen', (transport, names) => {
  const pair = async (): Promise<{ callee: SipEndpoint; caller: SipEndpoint; trunk: Partial<OutboundCallOptions['trunk']> }> => {
    const callee = await endpoint(['udp', 'tcp', transport], { listen: { [transport]: 0 }, tls: server });
    const caller = await endpoint(['udp', transport]);
    return { callee, caller, trunk: { transport, port: callee.portOf(transport), tls: ca, wsPath: '/sip' } };
  };

  it('is answered, and hangs up', async () => {
    const { callee, caller, trunk } = await pair();
    const { seen } = answering(callee);
    const call = dial(caller, trunk);
    await call.leg.start();
    await call.until('answered');
    call.leg.hangUp();
    expect(await call.until('released')).toMatchObject({ sipStatus: 200 });
    expect(seen).toEqual([`${transport} ${names}`, 'bye']);
    expect([caller.portOf(transport), caller.stats().dialogs, callee.stats().dialogs]).toEqual([undefined, 0, 0]);
  });

  it('hears the far end hang up on the same connection, and uses one for several calls', async () => {
    const { callee, caller, trunk } = await pair();
    const { calls } = answering(callee);
    const [first, second] = [dial(caller, trunk), dial(caller, trunk)];
    await Promise.all([first.leg.start(), second.leg.start()]);
    await Promise.all([first.until('answered'), second.until('answered')]);
    expect(new Set(calls.map(({ source }) => source.flow)).size).toBe(1);
    calls[0].leg.hangUp();
    calls[1].leg.hangUp();
    await Promise.all([first.until('hungUp'), second.until('hungUp')]);
    expect(await new LegObserver(calls[0].leg).leg.close()).toBeDefined();
    expect(caller.stats()).toMatchObject({ dialogs: 0, legs: 0 });
  });

  it('can cancel, and acknowledges a refusal where the INVITE went', async () => {
    const { callee, caller, trunk } = await pair();
    let rang: () => void = () => undefined;
    const ringing = new Promise<void>((resolve) => { rang = resolve; });
    callee.onInvite((offered) => { if (callee.stats().legs === 1) { offered.ring(); rang(); } else offered.reject(486); });
    const cancelled = dial(caller, trunk);
    await cancelled.leg.start();
    await ringing;
    await cancelled.until('provisional');
    const busy = dial(caller, trunk);
    await busy.leg.start();
    expect(await busy.until('failed')).toMatchObject({ sipStatus: 486 });
    cancelled.leg.hangUp();
    expect(await cancelled.until('released')).toMatchObject({ sipStatus: 487 });
    expect(callee.stats()).toMatchObject({ legs: 0, retransmitting: 0 });
  });
});

describe('verification of the server', () => {
  /** Over TLS against a listener with this certificate. */
  const against = async (shown: Pem, trunk: Partial<OutboundCallOptions['trunk']> = {}, options: Partial<SipEndpointOptions> = {}): Promise<string> => {
    const callee = await endpoint(['tls'], { listen: { tls: 0 }, tls: shown, ...options });
    callee.onInvite((offered) => offered.reject(486, { reason: 'reached' }));
    return failure(await endpoint(['udp', 'tls']), { transport: 'tls', port: callee.portOf('tls'), tls: ca, ...trunk });
  };
  const day = 86_400_000;

  it('accepts names and addresses among the alternative names, and the SIP URI of a domain (RFC 5922 §7.1)', async () => {
    expect(await against(server)).toBe('reached');
    expect(await against(await authority.issue({ dns: ['localhost'] }), { host: 'localhost' })).toBe('reached');
    expect(await against(server, { tls: { ...ca, serverName: 'sip.carrier.test' } })).toBe('reached');
    expect(await against(await authority.issue({ uri: ['sip:carrier.test'] }), { tls: { ...ca, serverName: 'carrier.test' } })).toBe('reached');
  });

  it('says whom a certificate is for when it is for another', async () => {
    expect(await against(await authority.issue({ dns: ['other.test'] }))).toBe('the certificate is for other.test, not 127.0.0.1');
    expect(await against(server, { tls: { ...ca, serverName: 'carrier.test' } })).toBe('the certificate is for sip.carrier.test, 127.0.0.1, not carrier.test');
  });

  it('says when it has expired, is not valid yet, or nobody known vouches for it', async () => {
    expect(await against(await authority.issue({ ip: ['127.0.0.1'], notBefore: new Date(Date.now() - 9 * day), notAfter: new Date(Date.now() - day) }))).toBe('the certificate has expired');
    expect(await against(await authority.issue({ ip: ['127.0.0.1'], notBefore: new Date(Date.now() + day), notAfter: new Date(Date.now() + 9 * day) }))).toBe('the certificate is not valid yet');
    expect(await against(await stranger.issue({ ip: ['127.0.0.1'] }))).toContain('authority that is not trusted here');
    expect(await against(server, { tls: undefined })).toContain('authority that is not trusted here');
  });

  it('sees a renewed certificate from the next connection on', async () => {
    const listen = { tls: 0, wss: 0 };
    const callee = await endpoint(['tls', 'wss'], { listen, tls: await authority.issue({ dns: ['old.test'] }) });
    callee.onInvite((offered) => offered.reject(486, { reason: 'reached' }));
    const caller = await endpoint(['tls', 'wss']);
    for (const transport of ['tls', 'wss'] as const) {
      const trunk = { transport, port: callee.portOf(transport), tls: ca };
      expect(await failure(caller, trunk)).toContain(transport === 'tls' ? 'old.test' : 'reached');
      callee.renewTls(server);
      expect(await failure(caller, trunk)).toBe('reached');
    }
  });

  it('is the same over WSS', async () => {
    const callee = await endpoint(['wss'], { listen: { wss: 0 }, tls: await authority.issue({ dns: ['other.test'] }) });
    expect(await failure(await endpoint(['wss']), { transport: 'wss', port: callee.portOf('wss'), tls: ca })).toBe('the certificate is for other.test, not 127.0.0.1');
  });

  it('shows a client certificate where one is wanted, and says so where it has none', async () => {
    const clientCa = authority.pem.certificate;
    expect(await against(server, { tls: { ...ca, ...await authority.issue({ dns: ['bots.test'] }) } }, { tls: { ...server, clientCa } })).toBe('reached');
    expect(await against(server, {}, { tls: { ...server, clientCa } })).toBe('the far end wants a client certificate');
    expect(await against(server, { tls: { ...ca, ...await stranger.issue({ dns: ['bots.test'] }) } }, { tls: { ...server, clientCa } })).toBe('the connection was closed');
    expect(await against(server, { tls: { ...ca, certificate: 'x', key: 'y' } })).toContain('cannot be used');
  });

  it.each<[string, TlsOptions, string]>([
    ['offers the name (SNI)', {}, 'sip.carrier.test'], ['does not offer an address as a name', {}, ''],
  ])('%s', async (_title, options, name) => {
    const asked = new Promise<string>((resolve) => {
      const listener = createTlsServer({ cert: server.certificate, key: server.key, ...options }, (socket) => { resolve(String((socket as unknown as { servername?: string | false }).servername || '')); socket.destroy(); });
      listener.listen(0, '127.0.0.1', () => { void endpoint(['tls']).then((sip) => dial(sip, { transport: 'tls', port: portOf(listener), tls: { ...ca, ...(name ? { serverName: name } : {}) } }).leg.start()); });
      cleanUps.push(() => { listener.close(); });
    });
    expect(await asked).toBe(name);
  });

  it('refuses TLS 1.1 and below, and what is no TLS', async () => {
    const old = createTlsServer({ cert: server.certificate, key: server.key, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' });
    const plain = createTcpServer((socket) => { socket.on('error', () => undefined).end('SIP/2.0 400 Bad Request\r\n\r\n'); });
    const sip = await endpoint(['tls']);
    for (const [listener, words] of [[old, /TLS 1\.2|TLS handshake/], [plain, /does not speak TLS/]] as const) {
      await new Promise<void>((resolve) => { listener.listen(0, '127.0.0.1', resolve); });
      cleanUps.push(() => { listener.close(); });
      expect(await failure(sip, { transport: 'tls', port: portOf(listener), tls: ca })).toMatch(words);
    }
  });
});

const portOf = (listener: Server): number => (listener.address() as { port: number }).port;

describe('a WebSocket listener', () => {
  it('wants the subprotocol sip, answers pings, and refuses messages that are too large', async () => {
    const sip = await endpoint(['ws'], { listen: { ws: 0 } });
    const url = `ws://127.0.0.1:${sip.portOf('ws')}/`;
    const refused = new WebSocket(url, ['mqtt']);
    expect(await new Promise((resolve) => { refused.on('unexpected-response', (_request, response) => { resolve(response.statusCode); }); refused.on('error', () => undefined); })).toBe(400);
    const socket = new WebSocket(url, ['sip']);
    await new Promise((resolve) => { socket.once('open', resolve); });
    expect(socket.protocol).toBe('sip');
    const ponged = new Promise((resolve) => { socket.once('pong', resolve); });
    socket.ping();
    await ponged;
    const answer = new Promise<string>((resolve) => { socket.once('message', (data) => { resolve((data as Buffer).toString()); }); });
    socket.send(['OPTIONS sip:x@127.0.0.1 SIP/2.0', 'Via: SIP/2.0/WS abc.invalid;branch=z9hG4bKo', 'From: <sip:a@b>;tag=1', 'To: <sip:c@d>', 'Call-ID: ws-options', 'CSeq: 1 OPTIONS', 'Max-Forwards: 70', 'Content-Length: 0', '', ''].join('\r\n'));
    expect(await answer).toMatch(/^SIP\/2\.0 200 /);
    const closed = new Promise<number>((resolve) => { socket.once('close', resolve); });
    socket.send('x'.repeat(9_000));
    expect(await closed).toBe(1009);
    expect(sip.stats().messagesRefused).toBe(1);
  });
});

describe('a lost connection', () => {
  /** A far end that takes connections and tells each chunk; it answers nothing. */
  async function mute(onData: (destroy: () => void) => void): Promise<number> {
    const listener = createTcpServer((socket) => { socket.on('error', () => undefined).on('data', () => onData(() => socket.destroy())); });
    await new Promise<void>((resolve) => { listener.listen(0, '127.0.0.1', resolve); });
    cleanUps.push(() => { listener.close(); });
    return portOf(listener);
  }

  it('ends at once the INVITE that was never answered on it', async () => {
    const port = await mute((destroy) => destroy());
    const sip = await endpoint(['udp', 'tcp']);
    expect(await failure(sip, { transport: 'tcp', port })).toBe('the connection was closed');
    expect(sip.stats()).toMatchObject({ clientTransactions: 0, retransmitting: 0, legs: 0 });
  });

  it('is replaced by a new one for the next request', async () => {
    const callee = await endpoint(['udp', 'tcp']);
    const { calls } = answering(callee);
    const caller = await endpoint(['udp', 'tls', 'tcp']);
    const gateway = relay(callee.port);
    const port = await gateway.listening;
    const call = dial(caller, { transport: 'tcp', port });
    await call.leg.start();
    await call.until('answered');
    gateway.cut();
    const again = dial(caller, { transport: 'tcp', port });
    await again.leg.start();
    await again.until('answered');
    expect(new Set(calls.map(({ source }) => source.flow)).size).toBe(2);
  });

  /** Bytes to and from `target`, until cut. */
  function relay(target: number): { listening: Promise<number>; cut(): void } {
    const open: { destroy(): void }[] = [];
    const listener = createTcpServer((inner) => {
      const outer = connectTcp(target, '127.0.0.1');
      for (const socket of [inner, outer]) { socket.on('error', () => undefined); open.push(socket); }
      inner.pipe(outer).pipe(inner);
    });
    cleanUps.push(() => { for (const socket of open) socket.destroy(); listener.close(); });
    return {
      listening: new Promise((resolve) => { listener.listen(0, '127.0.0.1', () => { resolve(portOf(listener)); }); }),
      cut: () => { for (const socket of open.splice(0)) socket.destroy(); },
    };
  }
});

describe('UDP', () => {
  it('learns within seconds that nobody listens at a port (ICMP)', async () => {
    const gone = await endpoint(['udp']);
    const { port } = gone;
    await gone.stop();
    expect(await failure(await endpoint(['udp']), { port })).toBe(`nobody listens at UDP port ${port} of 127.0.0.1`);
  });

  const large = { headers: { 'X-Padding': 'x'.repeat(900) } };
  const callWith = (from: SipEndpoint, port: number, more: Partial<OutboundCallOptions>, trunk: Partial<OutboundCallOptions['trunk']> = {}): LegObserver =>
    new LegObserver(from.createCall({ dialUser: '1', fromNumber: '2', trunk: { host: '127.0.0.1', port, transport: 'udp', codecs: ['PCMU'], ...trunk }, ...more }));

  it('leaves requests of more than 1,300 bytes to TCP, and the dialog to UDP (RFC 3261 §18.1.1)', async () => {
    const callee = await endpoint(['udp', 'tcp']);
    const { seen } = answering(callee);
    const caller = await endpoint(['udp', 'tcp']);
    const small = callWith(caller, callee.port, {});
    const big = callWith(caller, callee.port, large);
    const unwilling = callWith(caller, callee.port, large, { tcpForLargeRequests: false });
    for (const call of [small, big, unwilling]) {
      await call.leg.start();
      await call.until('answered');
    }
    expect(seen).toEqual(['udp UDP', 'tcp TCP', 'udp UDP'].map((way) => `${way} <sip:dialfleet@127.0.0.1:PORT>`));
    big.leg.hangUp();
    expect(await big.until('released')).toMatchObject({ sipStatus: 200 });
  });

  it('takes them after all where TCP is refused', async () => {
    const callee = await endpoint(['udp']);
    const { seen } = answering(callee);
    const call = callWith(await endpoint(['udp', 'tcp']), callee.port, large);
    await call.leg.start();
    await call.until('answered');
    expect(seen).toEqual(['udp UDP <sip:dialfleet@127.0.0.1:PORT>']);
  });

  it('takes them after all where TCP is accepted and closed, and asks for it no more', async () => {
    const callee = await endpoint(['udp']);
    const { seen } = answering(callee);
    let accepted = 0;
    const closing = createTcpServer((socket) => {
      accepted++;
      socket.on('error', () => undefined);
      socket.once('data', () => { socket.destroy(); });
    });
    await new Promise<void>((resolve) => { closing.listen(callee.port, '127.0.0.1', resolve); });
    cleanUps.push(() => new Promise((resolve) => { closing.close(resolve); }));
    const caller = await endpoint(['udp', 'tcp']);
    for (let i = 0; i < 2; i++) {
      const call = callWith(caller, callee.port, large);
      await call.leg.start();
      await call.until('answered');
    }
    expect([accepted, seen]).toEqual([1, Array.from({ length: 2 }, () => 'udp UDP <sip:dialfleet@127.0.0.1:PORT>')]);
  });
});

describe('IPv6', () => {
  it.each(['udp', 'tcp', 'tls', 'ws'] as const)('%s on ::1, with brackets where they belong', async (transport) => {
    const tls = await authority.issue({ ip: ['::1'] });
    const callee = await endpoint(['udp', 'tcp', 'tls', 'ws'], { bindAddress: '::1', listen: { tls: 0, ws: 0 }, tls });
    const { seen } = answering(callee);
    const caller = await endpoint(['udp', 'tcp', 'tls', 'ws'], { bindAddress: '::1' });
    const call = dial(caller, { host: '::1', transport, port: callee.portOf(transport), tls: ca });
    await call.leg.start();
    await call.until('answered');
    call.leg.hangUp();
    expect(await call.until('released')).toMatchObject({ sipStatus: 200 });
    expect(seen[0]).toContain(transport === 'ws' ? 'RANDOM.invalid' : '[::1]:PORT');
  });

  it('and IPv4 on one socket bound to ::', async () => {
    const callee = await endpoint(['udp', 'tcp'], { bindAddress: '::', advertisedAddress: '127.0.0.1' });
    const { calls } = answering(callee);
    for (const [bindAddress, transport] of [['127.0.0.1', 'udp'], ['127.0.0.1', 'tcp'], ['::1', 'udp']] as const) {
      const call = dial(await endpoint(['udp', 'tcp'], { bindAddress }), { host: bindAddress, transport, port: callee.port });
      await call.leg.start();
      await call.until('answered');
      expect(calls.at(-1)?.source.address).toBe(bindAddress);
    }
  });
});
