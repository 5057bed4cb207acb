import { beforeEach, describe, expect, it } from '@jest/globals';
import type { SipTransportName } from '@dialfleet/call';
import { VirtualClock } from '@dialfleet/kit';
import { UnresolvedHostError } from '../locate/host-resolver.js';
import { OwnAddress } from './own-address.js';
import type { Hop, SipSocket } from './sip-socket.js';
import type { SipDestination, SipTarget } from '../locate/sip-target.js';
import { TransportLayer } from './transport-layer.js';

let clock: VirtualClock;
let sent: string[];
let located: SipDestination[];
let refusing: Set<string>;
let lostRequests: string[];
let layer: TransportLayer;

/** Remembers what goes where; refuses to connect to the ports in `refusing`. */
function socket(transport: SipTransportName, port: number | undefined): SipSocket {
  let serial = 0;
  const note = (text: string, to: Hop): void => { sent.push(`${transport} ${to.address}:${to.port} ${text.slice(0, text.indexOf(' '))}`); };
  return {
    transport, port, use: () => () => undefined, close: () => Promise.resolve(),
    send: (text, to) => { note(text, to); return Promise.resolve(); },
    ...(transport === 'udp' ? {} : {
      connect: (to: Hop) => (refusing.has(`${to.address}:${to.port}`) ? Promise.reject(new Error('refused')) : Promise.resolve({ ...to, flow: to.flow ?? `${transport}${++serial}`, localPort: 40_000, reused: to.flow !== undefined })),
    }),
  };
}

const target = (transport: SipTransportName, over: Partial<SipTarget> = {}): SipTarget => ({ transport, address: '192.0.2.1', port: transport === 'tls' ? 5061 : 5060, hostname: 'carrier.test', ...over });
const request = (method: string, uri: string, { toTag = true, branch = `z9hG4bK${method}`, more = '' } = {}): string =>
  `${method} ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.77:5060;branch=${branch};rport\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>${toTag ? ';tag=2' : ''}\r\nCall-ID: call-1\r\nCSeq: 1 ${method === 'ACK' ? 'INVITE' : method}\r\n${more}Content-Length: 0\r\n\r\n`;
const response = (status: number, method: string, branch: string): string =>
  `SIP/2.0 ${status} X\r\nVia: SIP/2.0/UDP 192.0.2.77:5060;branch=${branch}\r\nCSeq: 1 ${method}\r\n\r\n`;

beforeEach(() => {
  clock = new VirtualClock();
  [sent, located, lostRequests] = [[], [], []];
  refusing = new Set();
  const locate = (destination: SipDestination): Promise<SipTarget[]> => {
    located.push(destination);
    const { host, port = 5060, transport } = destination;
    return host.endsWith('.nowhere') ? Promise.reject(new UnresolvedHostError(host)) : Promise.resolve([{ transport, address: /^\d/.test(host) ? host : '198.51.100.9', port, hostname: host }]);
  };
  layer = new TransportLayer(clock, { locate, failed: () => undefined }, new OwnAddress('192.0.2.77'), 'udp');
  for (const [name, port] of [['udp', 5060], ['tcp', 5060], ['tls', undefined]] as const) layer.attach(socket(name, port));
  layer.onRequestLost = (branch, method, reason) => { lostRequests.push(`${method} ${branch} ${reason}`); };
});

describe('TransportLayer', () => {
  it('sends what is outside a dialog to the aim, whatever the URI says', async () => {
    layer.aim('call-1', target('tls'));
    await layer.send(request('INVITE', 'sip:x@carrier.test', { toTag: false }));
    layer.aim('call-1', target('udp', { address: '192.0.2.2' }));
    await layer.send(request('INVITE', 'sip:x@carrier.test', { toTag: false, branch: 'z9hG4bKsecond' }));
    expect(sent).toEqual(['tls 192.0.2.1:5061 INVITE', 'udp 192.0.2.2:5060 INVITE']);
  });

  it('sends CANCEL and the ACK to a refusal after their INVITE, though the call aims elsewhere by then', async () => {
    layer.aim('call-1', target('tcp'));
    await layer.send(request('INVITE', 'sip:x@carrier.test', { toTag: false, branch: 'z9hG4bKa' }));
    layer.aim('call-1', target('udp', { address: '192.0.2.2' }));
    await layer.send(request('CANCEL', 'sip:x@carrier.test', { toTag: false, branch: 'z9hG4bKa' }));
    layer.receive(response(487, 'INVITE', 'z9hG4bKa'), { address: '192.0.2.1', port: 5060 });
    await layer.send(request('ACK', 'sip:x@carrier.test', { branch: 'z9hG4bKa' }));
    expect(sent).toEqual(['tcp 192.0.2.1:5060 INVITE', 'tcp 192.0.2.1:5060 CANCEL', 'tcp 192.0.2.1:5060 ACK']);
  });

  it('follows the route within a dialog, or the contact, when that is elsewhere', async () => {
    layer.aim('call-1', target('udp'));
    await layer.send(request('BYE', 'sip:x@203.0.113.5:5080'));
    await layer.send(request('BYE', 'sip:x@203.0.113.5', { more: 'Route: <sip:edge.test;transport=tcp;lr>\r\n', branch: 'z9hG4bKb' }));
    await layer.send(request('BYE', 'sip:x@10.0.0.7:5080', { branch: 'z9hG4bKc' }));
    expect(sent).toEqual(['udp 203.0.113.5:5080 BYE', 'tcp 198.51.100.9:5060 BYE', 'udp 192.0.2.1:5060 BYE']);
  });

  it('takes the way that the call came when the next hop cannot be found or reached', async () => {
    layer.aim('call-1', target('tcp', { port: 5070 }));
    await layer.send(request('BYE', 'sip:x@sbc.nowhere'));
    refusing.add('203.0.113.5:5060');
    await layer.send(request('BYE', 'sip:x@203.0.113.5;transport=tcp', { branch: 'z9hG4bKb' }));
    expect(sent).toEqual(['tcp 192.0.2.1:5070 BYE', 'tcp 192.0.2.1:5070 BYE']);
    layer.release('call-1');
    clock.advance(200_000);
    layer.aim('call-2', target('tcp'));
    layer.release('call-2');
    await expect(layer.send(request('BYE', 'sip:x@sbc.nowhere', { branch: 'z9hG4bKc' }))).rejects.toThrow('sbc.nowhere');
  });

  it('never continues a call over TLS in clear, and keeps its authorities', async () => {
    layer.aim('call-1', target('tls', { tls: { ca: 'CA' } }));
    await layer.send(request('BYE', 'sip:x@203.0.113.5;transport=udp'));
    await layer.send(request('BYE', 'sip:x@203.0.113.5', { branch: 'z9hG4bKb' }));
    expect([sent, located]).toEqual([['tls 192.0.2.1:5061 BYE', 'tls 203.0.113.5:5061 BYE'], [expect.objectContaining({ tls: { ca: 'CA', serverName: undefined } })]]);
  });

  it('remembers a call that is over for its last words', async () => {
    layer.aim('call-1', target('tls'));
    layer.release('call-1');
    clock.advance(31_000);
    await layer.send(request('ACK', 'sip:x@192.0.2.1:5061;transport=tls'));
    expect([sent, located]).toEqual([['tls 192.0.2.1:5061 ACK'], []]);
  });

  it('fails what was never answered on a lost connection; sends it again where the connection was old', async () => {
    layer.aim('call-1', target('tls'));
    await layer.send(request('INVITE', 'sip:x@carrier.test', { toTag: false, branch: 'z9hG4bKnew' }));
    layer.flowLost('tls1', 'reset');
    expect([lostRequests, layer.takeSendError('z9hG4bKnew')]).toEqual([['INVITE z9hG4bKnew reset'], 'reset']);
    layer.aim('call-1', { ...target('tls'), flow: 'tls7' });
    await layer.send(request('INVITE', 'sip:x@carrier.test', { toTag: false, branch: 'z9hG4bKold' }));
    layer.flowLost('tls7', 'reset');
    await new Promise((resolve) => { setImmediate(resolve); });
    expect([lostRequests.length, sent.filter((line) => line.endsWith('INVITE')).length]).toEqual([1, 3]);
  });

  it('lets who has begun to answer come back over a connection of its own, where we listen', async () => {
    for (const [transport, branch] of [['tcp', 'z9hG4bKtcp'], ['tls', 'z9hG4bKtls']] as const) {
      layer.aim('call-1', target(transport));
      await layer.send(request('INVITE', 'sip:x@carrier.test', { toTag: false, branch }));
      layer.receive(response(180, 'INVITE', branch), { address: '192.0.2.1', port: 5060 });
      layer.flowLost(`${transport}1`, 'reset');
    }
    expect(lostRequests).toEqual(['INVITE z9hG4bKtls reset']);
  });

  it('says which transport it lacks', async () => {
    layer.aim('call-1', target('wss'));
    await expect(layer.send(request('INVITE', 'sip:x@carrier.test', { toTag: false }))).rejects.toThrow('no SIP over WSS');
  });
});
