import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer, type Socket } from 'node:net';
import { silentLogger } from '@dialfleet/kit';
import type { KeepFlowOptions } from '../transport/kept-flow.js';
import type { RegistrarClient, RegisteringTrunk } from './registrar-client.js';
import { SipEndpoint, type SipEndpointOptions } from '../sip-endpoint.js';
import type { SipTarget } from '../locate/sip-target.js';
import { FakeMedia } from '../testing/fake-media.js';
import { ScriptedPeer } from '../testing/scripted-peer.js';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  await ScriptedPeer.closeAll();
});

async function endpoint(options: Partial<SipEndpointOptions> = {}): Promise<SipEndpoint> {
  const sip = await SipEndpoint.start({ transports: ['udp', 'tcp'], bindAddress: '127.0.0.1', port: 0, userAgent: 'test', media: new FakeMedia(), logger: silentLogger, ...options });
  cleanUps.push(() => sip.stop(20));
  return sip;
}

const trunkAt = (port: number, change: Partial<RegisteringTrunk> = {}): RegisteringTrunk =>
  ({ trunkId: 'trunk_1', host: '127.0.0.1', port, transport: 'udp', username: 'alice', password: 'secret', keepAliveSeconds: 0, ...change });
const header = (text: string, name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1].trimEnd() ?? '';
const answer = (request: string, startLine: string, headers: string[] = []): string =>
  [`SIP/2.0 ${startLine}`, ...['Via', 'From', 'Call-ID', 'CSeq'].map((name) => `${name}: ${header(request, name)}`), `To: ${header(request, 'To')};tag=r`, ...headers, 'Content-Length: 0', '', ''].join('\r\n');

/** A registrar that answers the n-th REGISTER as told, the last answer for ever. */
async function registrar(sip: SipEndpoint, ...answers: ((request: string) => string | undefined)[]): Promise<ScriptedPeer> {
  const peer = await ScriptedPeer.open();
  void (async () => {
    for (let n = 0; ; n++) {
      const request = await peer.next('REGISTER', n);
      const text = answers[Math.min(n, answers.length - 1)](request);
      if (text !== undefined) peer.send(text, sip.port);
    }
  })();
  return peer;
}

const accept = (headers: string[] = []) => (request: string): string => answer(request, '200 OK', [`Contact: ${header(request, 'Contact')};expires=120`, ...headers]);
const challenge = (request: string): string => answer(request, '401 Unauthorized', ['WWW-Authenticate: Digest realm="r", nonce="n1", qop="auth", algorithm=SHA-256']);

async function client(sip: SipEndpoint, trunk: RegisteringTrunk, onFlowLost?: (reason: string) => void): Promise<RegistrarClient> { return sip.createRegistrar({ trunk, instance: 'w1', onFlowLost }); }

describe('a registration over UDP', () => {
  it('answers the challenge, is granted its time, is refreshed in the same Call-ID, and taken away', async () => {
    const sip = await endpoint();
    const peer = await registrar(sip, challenge, accept(['Service-Route: <sip:edge.example;lr>', 'Path: <sip:p.example;lr>']));
    const registration = await client(sip, trunkAt(peer.port, { fromDomain: 'home.example' }));
    expect(await registration.register(600)).toEqual({
      outcome: 'registered', sipStatus: 200, reason: 'OK', expiresSeconds: 120, serviceRoute: ['<sip:edge.example;lr>'], server: `udp:127.0.0.1:${peer.port}`,
    });
    const [first, second] = peer.received;
    expect(first.split('\r\n')[0]).toBe(`REGISTER sip:127.0.0.1:${peer.port} SIP/2.0`);
    expect(header(first, 'To')).toBe('<sip:alice@home.example>');
    expect(header(first, 'Contact')).toMatch(new RegExp(`^<sip:alice@127\\.0\\.0\\.1:${sip.port};rinstance=[0-9a-f]{12}\\.w1>$`));
    expect([header(first, 'Expires'), header(first, 'Supported')]).toEqual(['600', 'path']);
    expect(header(second, 'Authorization')).toMatch(/^Digest username="alice".*nc=00000001.*/);
    expect([header(first, 'CSeq'), header(second, 'CSeq')]).toEqual(['1 REGISTER', '2 REGISTER']);
    expect(await registration.register(600)).toMatchObject({ outcome: 'registered' });
    const third = await peer.next('REGISTER', 2);
    expect([header(third, 'Call-ID'), header(third, 'CSeq')]).toEqual([header(first, 'Call-ID'), '3 REGISTER']);
    await registration.unregister();
    const last = await peer.next('REGISTER', 3);
    expect([header(last, 'Expires'), header(last, 'Contact')]).toEqual(['0', header(first, 'Contact')]);
    expect(sip.stats()).toMatchObject({ retransmitting: 0 });
  });

  it('is not put off by a challenge that comes twice, late and with another nonce', async () => {
    const sip = await endpoint();
    const peer = await registrar(sip, challenge, (request) => {
      peer.send(challenge(peer.received[0]).replace('"n1"', '"n2"'), sip.port);
      return accept()(request);
    });
    expect(await (await client(sip, trunkAt(peer.port))).register(60)).toMatchObject({ outcome: 'registered' });
  });

  it('asks again for as long as a 423 wants, and not for ever', async () => {
    const sip = await endpoint();
    const peer = await registrar(sip, (request) => answer(request, '423 Interval Too Brief', ['Min-Expires: 1800']), accept());
    expect(await (await client(sip, trunkAt(peer.port))).register(60)).toMatchObject({ outcome: 'registered' });
    expect(peer.received.map((text) => header(text, 'Expires'))).toEqual(['60', '1800']);
    const greedy = await registrar(sip, (request) => answer(request, '423 Interval Too Brief', [`Min-Expires: ${Number(header(request, 'Expires')) + 60}`]));
    expect(await (await client(sip, trunkAt(greedy.port))).register(60)).toMatchObject({ outcome: 'refused', sipStatus: 423 });
    expect(greedy.received).toHaveLength(3);
  });

  it.each<[string, (request: string) => string, object]>([
    ['wrong credentials', challenge, { outcome: 'refused', sipStatus: 401, reason: 'Unauthorized: the registrar does not accept username and password' }],
    ['a stranger', (request) => answer(request, '403 Forbidden'), { outcome: 'refused', sipStatus: 403, reason: 'Forbidden' }],
    ['a moment to wait', (request) => answer(request, '503 Service Unavailable', ['Retry-After: 30']), { outcome: 'refused', sipStatus: 503, retryAfterMs: 30_000 }],
    ['no time at all', (request) => answer(request, '200 OK', [`Contact: ${header(request, 'Contact')};expires=0`]), { outcome: 'refused', reason: 'the registrar keeps the registration for 0 s' }],
  ])('says why it is refused: %s', async (_name, reply, result) => {
    const sip = await endpoint();
    const peer = await registrar(sip, reply);
    expect(await (await client(sip, trunkAt(peer.port))).register(60)).toMatchObject(result);
  });

  it('removes what workers before it left behind', async () => {
    const sip = await endpoint();
    const gone = (request: string): string => header(request, 'Contact').replace('.w1>', '.w0>').replace(/@[^;]+;/, '@192.0.2.7:5060;');
    const peer = await registrar(sip, (request) => answer(request, '200 OK', [`Contact: ${header(request, 'Contact')};expires=90, ${gone(request)};expires=1000, <sip:phone@192.0.2.9>;expires=50`]));
    const registration = await client(sip, trunkAt(peer.port));
    expect(await registration.register(600)).toMatchObject({ expiresSeconds: 90 });
    await registration.register(600);
    const contacts = [...(await peer.next('REGISTER', 1)).matchAll(/^Contact: (.*)\r$/gm)].map((match) => match[1]);
    expect(contacts).toEqual([expect.stringContaining('.w1>'), expect.stringMatching(/@192\.0\.2\.7:5060;rinstance=[0-9a-f]+\.w0>;expires=0$/)]);
  });

  it('tries the next server when the first is not there, and stays with the one that answered', async () => {
    const sip0 = await ScriptedPeer.open();
    const closed = sip0.port;
    await ScriptedPeer.closeAll();
    const targets: SipTarget[] = [];
    const failed: number[] = [];
    const sip = await endpoint({ locator: { locate: () => Promise.resolve(targets), failed: (target) => { failed.push(target.port); } } });
    const peer = await registrar(sip, accept());
    targets.push(...[closed, peer.port].map((port) => ({ transport: 'udp' as const, address: '127.0.0.1', port, hostname: 'sip.example' })));
    const registration = await client(sip, trunkAt(closed));
    expect(await registration.register(60)).toMatchObject({ outcome: 'registered', server: `udp:127.0.0.1:${peer.port}` });
    expect(await registration.register(60)).toMatchObject({ outcome: 'registered' });
    expect(failed).toEqual([closed]);
  }, 15_000);

  it('asks for its bindings without a Contact, to see whether the credentials hold', async () => {
    const sip = await endpoint();
    const peer = await registrar(sip, challenge, (request) => answer(request, '200 OK', ['Contact: <sip:x@192.0.2.1>;expires=5']));
    const target: SipTarget = { transport: 'udp', address: '127.0.0.1', port: peer.port, hostname: '127.0.0.1' };
    expect(await (await client(sip, trunkAt(peer.port))).query(target, 3000)).toMatchObject({ answered: true, message: { statusCode: 200 } });
    expect(peer.received.map((text) => [header(text, 'Contact'), header(text, 'Expires')])).toEqual([['', ''], ['', '']]);
  });

  it('gives a silent server up in time, and leaves nothing behind', async () => {
    const sip = await endpoint();
    const peer = await ScriptedPeer.open();
    const target: SipTarget = { transport: 'udp', address: '127.0.0.1', port: peer.port, hostname: '127.0.0.1' };
    expect(await (await client(sip, trunkAt(peer.port))).query(target, 100)).toMatchObject({ answered: false, reason: 'no answer within 0.1 s' });
    expect(sip.stats()).toMatchObject({ clientTransactions: 0, retransmitting: 0 });
  });

  it('registers again when the registrar was away, which no connection tells over UDP', async () => {
    const sip = await endpoint();
    const peer = await registrar(sip, accept());
    const kept: { target: SipTarget; options: KeepFlowOptions; released: boolean }[] = [];
    sip.keepFlow = (target, options = {}) => {
      const one = { target, options, released: false };
      kept.push(one);
      return { isUp: true, release: () => { one.released = true; } };
    };
    const lost: string[] = [];
    const registration = await client(sip, trunkAt(peer.port, { keepAliveSeconds: 20 }), (reason) => lost.push(reason));
    await registration.register(60);
    await registration.register(60);
    expect(kept.map(({ target, options }) => [target.port, options.keepAliveSeconds])).toEqual([[peer.port, 20]]);
    kept[0].options.onUp?.();
    expect(lost).toEqual([]);
    kept[0].options.onDown?.('no answer');
    kept[0].options.onUp?.();
    expect(lost).toEqual(['the registrar was away']);
    registration.close();
    expect(kept[0].released).toBe(true);
  });

  it('takes a username that brings its domain, and refuses one that would break a header', async () => {
    const sip = await endpoint();
    const peer = await registrar(sip, accept());
    await (await client(sip, trunkAt(peer.port, { username: 'al ice@voip.example' }))).register(60);
    expect([header(peer.received[0], 'To'), header(peer.received[0], 'Contact')]).toEqual(['<sip:al%20ice@voip.example>', expect.stringContaining('<sip:al%20ice@127')]);
    await expect(client(sip, trunkAt(peer.port, { username: 'a\r\nX: y' }))).rejects.toThrow(/line breaks/);
  });
});

describe('a registration over TCP', () => {
  it('says when its connection is lost, and what could not be reached', async () => {
    const sip = await endpoint();
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('data', (chunk) => socket.write(accept()(chunk.toString())));
    });
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    const { port } = server.address() as { port: number };
    const lost = new Promise<string>((resolve) => {
      void client(sip, trunkAt(port, { transport: 'tcp' }), resolve).then(async (registration) => {
        expect(await registration.register(60)).toMatchObject({ outcome: 'registered', server: `tcp:127.0.0.1:${port}` });
        for (const socket of sockets) socket.destroy();
        server.close();
      });
    });
    expect(await lost).toMatch(/./);
    expect(await (await client(sip, trunkAt(port, { transport: 'tcp' }))).register(60)).toMatchObject({ outcome: 'unanswered', reason: expect.stringContaining('ECONNREFUSED') });
  });
});
