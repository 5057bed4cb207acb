import { createSocket, type Socket } from 'node:dgram';
import { silentLogger, VirtualClock } from '@dialfleet/kit';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Admission, defaultAdmissionLimits, type AdmissionOptions } from './admission.js';
import { LoadGate } from './load-gate.js';
import { SipEndpoint } from '../sip-endpoint.js';
import { FakeMedia } from '../testing/fake-media.js';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => { for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp(); });

async function endpoint(options: Partial<AdmissionOptions>): Promise<{ sip: SipEndpoint; admission: Admission; clock: VirtualClock }> {
  const clock = new VirtualClock();
  const admission = new Admission({ clock, isKnown: (address) => address === '127.0.0.1', ...options });
  const sip = await SipEndpoint.start({ transports: ['udp'], bindAddress: '127.0.0.1', port: 0, userAgent: 'test', media: new FakeMedia(), logger: silentLogger, clock, admission });
  sip.onInvite((call) => { call.reject(486); });
  cleanUps.push(() => { const stopped = sip.stop(20); clock.advance(20); return stopped; });
  return { sip, admission, clock };
}

class Peer {
  readonly received: string[] = [];
  private constructor(private readonly socket: Socket, private readonly address: string, private readonly port: number) {
    socket.on('message', (datagram) => { this.received.push(datagram.toString()); });
  }

  static async open(to: SipEndpoint, address = '127.0.0.1'): Promise<Peer> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => { socket.bind(0, address, resolve); });
    cleanUps.push(() => { socket.close(); });
    return new Peer(socket, address, to.port);
  }

  sendText(text: string): void { this.socket.send(text, this.port, '127.0.0.1'); }

  send(method: string, id: string, more: string[] = [], to = '<sip:b@x>'): void {
    const { port } = this.socket.address();
    this.socket.send([`${method} sip:b@127.0.0.1 SIP/2.0`, `Via: SIP/2.0/UDP ${this.address}:${port};branch=z9hG4bK${id}`, 'From: <sip:a@x>;tag=1', `To: ${to}`, `Call-ID: ${id}`, `CSeq: 1 ${method}`,
      `Contact: <sip:a@${this.address}:${port}>`, ...more, 'Content-Length: 0', '', ''].join('\r\n'), this.port, '127.0.0.1');
  }

  /** Final answers to this id, once there are so many. */
  async answers(id: string, count: number): Promise<string[]> {
    for (;;) {
      const found = this.received.filter((text) => text.includes(`Call-ID: ${id}\r\n`) && !text.startsWith('SIP/2.0 100'));
      if (found.length >= count) return found;
      await new Promise((resolve) => { setImmediate(resolve); });
    }
  }
}
const status = (answer: string): number => Number(answer.slice(8, 11));

describe('at the wire', () => {
  it('what is no SIP at all is not answered, not even to those we know', async () => {
    const { sip } = await endpoint({});
    const peer = await Peer.open(sip);
    for (const text of ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', '\x16\x03\x01\x00\xc8\r\n\r\n', 'INVITE sip:b@x SIP/2.0\r\n\r\n']) peer.sendText(text);
    peer.send('OPTIONS', 'after');
    await peer.answers('after', 1);
    expect(peer.received).toHaveLength(1);
  });

  it('a call too many is refused with 503 and Retry-After, without state; its repetitions and its ACK cost nothing', async () => {
    const { sip, clock } = await endpoint({ load: new LoadGate(new VirtualClock(), { setUpsPerSecond: 1, lagHighMs: 100, lagLowMs: 30 }) });
    const peer = await Peer.open(sip);
    peer.send('INVITE', 'first');
    expect((await peer.answers('first', 1)).map(status)).toEqual([486]);
    peer.send('INVITE', 'second');
    peer.send('INVITE', 'second');
    const refusals = await peer.answers('second', 2);
    expect(refusals.map(status)).toEqual([503, 503]);
    expect(refusals[0]).toMatch(/\r\nRetry-After: 2\r\n/);
    // The same tag for the same request (RFC 3261 §8.2.7).
    expect(refusals[0]).toBe(refusals[1]);
    peer.send('ACK', 'second', [], /\r\nTo: (.*)\r\n/.exec(refusals[0])?.[1]);
    peer.send('OPTIONS', 'last');
    expect((await peer.answers('last', 1)).map(status)).toEqual([200]);
    clock.advance(40_000);
    expect((await peer.answers('second', 2)).length).toBe(2);
    expect(sip.stats()).toMatchObject({ messagesFailed: 0, legs: 0, ladders: 0, retransmitting: 0 });
  });

  it('calls are refused while the event loop is late, and taken again when it is not', async () => {
    const load = new LoadGate(new VirtualClock(), { setUpsPerSecond: 1000, lagHighMs: 100, lagLowMs: 30 });
    const { sip } = await endpoint({ load });
    const peer = await Peer.open(sip);
    for (let i = 0; i < 3; i++) load.lateBy(400);
    peer.send('INVITE', 'late');
    expect((await peer.answers('late', 1)).map(status)).toEqual([503]);
    for (let i = 0; i < 20; i++) load.lateBy(0);
    peer.send('INVITE', 'later');
    expect((await peer.answers('later', 1)).map(status)).toEqual([486]);
  });

  it('a stranger who floods has his allowance and no more; a trunk is answered all the while', async () => {
    const { sip, admission } = await endpoint({});
    const [trunk, stranger] = [await Peer.open(sip), await Peer.open(sip, '127.0.0.66')];
    for (let i = 0; i < 300; i++) {
      stranger.send('OPTIONS', `flood-${i}`);
      if (i % 30 === 0) trunk.send('OPTIONS', `trunk-${i}`);
    }
    for (let i = 0; i < 300; i += 30) expect((await trunk.answers(`trunk-${i}`, 1)).map(status)).toEqual([200]);
    stranger.send('OPTIONS', 'one-more');
    trunk.send('OPTIONS', 'end');
    await trunk.answers('end', 1);
    expect(stranger.received.length).toBe(defaultAdmissionLimits.strangerRequests.burst);
    expect(sip.stats().messagesTurnedAway).toBe(301 - defaultAdmissionLimits.strangerRequests.burst);
    expect(admission.counts.limited).toBe(301 - defaultAdmissionLimits.strangerRequests.burst);
  });

  it('a scanner hears nothing', async () => {
    const { sip, admission } = await endpoint({});
    const [trunk, stranger] = [await Peer.open(sip), await Peer.open(sip, '127.0.0.66')];
    stranger.send('OPTIONS', 'scan', ['User-Agent: friendly-scanner']);
    trunk.send('OPTIONS', 'end');
    await trunk.answers('end', 1);
    expect(stranger.received).toEqual([]);
    expect(admission.counts.scanners).toBe(1);
  });
});
