import { createSocket } from 'node:dgram';
import { createServer } from 'node:tls';
import type { TrunkPlan } from '@dialfleet/call';
import type { TrunkCheckReport, TrunkEntry } from '@dialfleet/fleet';
import { silentLogger, systemClock } from '@dialfleet/kit';
import { SipEndpoint, UnresolvedHostError, type MediaFactory, type NameService } from '@dialfleet/telephony';
import { afterEach, describe, expect, it } from '@jest/globals';
import { generate } from 'selfsigned';
import { TrunkCheck } from './trunk-check.js';
import { addressWords, codecsOf, codecWords, mediaWords } from './trunk-check-words.js';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => { for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp(); });

const noMedia: MediaFactory = { open: () => Promise.reject(new Error('no media here')) };
const records: NameService = {
  naptr: (name) => Promise.resolve(name === 'carrier.test' ? [{ flags: 's', service: 'SIP+D2U', regexp: '', replacement: '_sip._udp.carrier.test', order: 1, preference: 1 }] : []),
  srv: (name) => Promise.resolve(name === '_sip._udp.carrier.test' ? [{ name: 'a.carrier.test', port, priority: 1, weight: 1 }] : []),
  addresses: (name) => (name === '::1' ? Promise.resolve([{ address: name, family: 6 }]) : name.endsWith('carrier.test') || name === '127.0.0.1' ? Promise.resolve([{ address: '127.0.0.1', family: 4 }]) : Promise.reject(new UnresolvedHostError(`host ${name} does not resolve (ENOTFOUND)`))),
};
let port = 0;

/** A server of the carrier: answers each request with what `reply` says, in order of coming. */
async function server(reply: (request: string) => [startLine: string, headers?: string[], body?: string] | undefined): Promise<string[]> {
  const socket = createSocket('udp4');
  const requests: string[] = [];
  await new Promise<void>((resolve) => { socket.bind(0, '127.0.0.1', resolve); });
  cleanUps.push(() => { socket.close(); });
  ({ port } = socket.address());
  socket.on('message', (datagram, source) => {
    const request = datagram.toString();
    const answer = request.length > 20 ? reply(request) : undefined;
    if (request.length > 20) requests.push(request);
    if (!answer) return;
    const line = (name: string): string => new RegExp(`^${name}: .*$`, 'm').exec(request)?.[0].trimEnd() ?? '';
    const [startLine, headers = [], body = ''] = answer;
    socket.send([`SIP/2.0 ${startLine}`, line('Via'), line('From'), `${line('To')};tag=c`, line('Call-ID'), line('CSeq'), ...headers, `Content-Length: ${body.length}`, '', body].join('\r\n'), source.port, source.address);
  });
  return requests;
}

async function check(trunk: Partial<TrunkPlan>, change: Partial<TrunkEntry> = {}): Promise<TrunkCheckReport> {
  const sip = await SipEndpoint.start({ transports: ['udp', 'tcp', 'tls'], bindAddress: '127.0.0.1', port: 0, userAgent: 'test', media: noMedia, logger: silentLogger });
  cleanUps.push(() => sip.stop(20));
  const entry: TrunkEntry = {
    workspaceId: 'ws', trunk: { trunkId: 't1', host: '127.0.0.1', transport: 'udp', codecs: ['PCMU', 'PCMA'], ...trunk }, register: false, registerExpiresSeconds: 600, inboundSources: [], inboundAuth: false, ...change,
  };
  return new TrunkCheck({ workerId: 'w-1', names: () => records, towards: () => Promise.resolve(sip), clock: systemClock }).run(entry);
}

const outcomes = ({ steps }: TrunkCheckReport): string[] => steps.map(({ name, outcome }) => `${name} ${outcome}`);
const detail = ({ steps }: TrunkCheckReport, name: string): string => steps.find((step) => step.name === name)?.detail ?? '';
const SDP = 'v=0\r\nm=audio 9 RTP/AVP 8 111 101\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n';

describe('a trunk check', () => {
  it('says where the name leads, who answers, and which codecs there are', async () => {
    await server(() => ['200 OK', ['Server: BigSBC/7', 'Allow: INVITE, BYE', 'Content-Type: application/sdp'], SDP]);
    const report = await check({ host: 'carrier.test' });
    expect([report.ok, outcomes(report)]).toEqual([true, ['dns ok', 'reachability ok', 'options ok', 'registration skipped', 'codecs ok', 'address ok', 'media ok']]);
    expect(detail(report, 'dns')).toBe(`carrier.test leads over UDP to 127.0.0.1:${port} (NAPTR: SIP+D2U → _sip._udp.carrier.test; SRV _sip._udp: a.carrier.test:${port}).`);
    expect(detail(report, 'options')).toBe(`UDP 127.0.0.1:${port} answers 200 OK, it is BigSBC/7, and takes INVITE, BYE.`);
    expect(detail(report, 'codecs')).toBe('Both have PCMA; the server names PCMA, opus.');
  });

  it('says when nobody is there', async () => {
    await server(() => undefined);
    const report = await check({ port }, { register: true });
    expect(outcomes(report)).toEqual(expect.arrayContaining(['reachability failed', 'options failed', 'registration failed', 'codecs skipped']));
    expect(detail(report, 'options')).toContain('no answer within 3.5 s');
  }, 15_000);

  it('says that an IPv6 server is out of reach of a worker that announces an IPv4 address', async () => {
    const report = await check({ host: '::1', port: 5060 });
    expect([report.ok, outcomes(report)]).toEqual([false, ['dns ok', 'reachability failed', 'options skipped', 'registration skipped', 'codecs skipped']]);
    expect(detail(report, 'reachability')).toBe('[::1]:5060 can only be reached over IPv6, and this worker announces 127.0.0.1: give the trunk an IPv4 host, or the worker an IPv6 address.');
  });

  it('knows a server that answers REGISTER and not OPTIONS, and one that does not say its codecs', async () => {
    const requests = await server((request) => (request.startsWith('REGISTER') ? ['200 OK', ['Contact: <sip:x@192.0.2.1>;expires=60']] : undefined));
    const report = await check({ port, username: 'u', password: 'p' }, { register: true });
    expect([report.ok, outcomes(report)]).toEqual([true, ['dns ok', 'reachability ok', 'options warning', 'registration ok', 'codecs ok', 'address ok', 'media ok']]);
    expect(requests.filter((request) => request.startsWith('REGISTER') && /^Contact:/m.test(request))).toEqual([]);
  }, 15_000);

  it.each<[string, string, string, RegExp]>([
    ['403 Forbidden', 'options warning', 'registration failed', /forbids it \(403 Forbidden\)/], ['404 Not Found', 'options ok', 'registration failed', /knows no u at 127\.0\.0\.1 \(404/],
    ['501 Not Implemented', 'options ok', 'registration failed', /set register to false/], ['503 Service Unavailable', 'options failed', 'registration failed', /refuses \(503/],
    ['400 Bad Request', 'options warning', 'registration warning', /does not answer a query/],
  ])('reads %s', async (startLine, options, registration, words) => {
    await server(() => [startLine]);
    const report = await check({ port, username: 'u', password: 'p' }, { register: true });
    expect(outcomes(report)).toEqual(expect.arrayContaining([options, registration]));
    expect(detail(report, 'registration')).toMatch(words);
  });

  it('says which name a certificate is for', async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'other.test' }], { keyType: 'ec', extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'other.test' }] }] });
    const tls = createServer({ key, cert });
    tls.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => { tls.listen(0, '127.0.0.1', resolve); });
    cleanUps.push(() => new Promise((resolve) => { tls.close(resolve); }));
    const report = await check({ transport: 'tls', port: (tls.address() as { port: number }).port, tls: { ca: cert } });
    expect(outcomes(report)).toEqual(expect.arrayContaining(['reachability ok', 'tls failed', 'options failed']));
    expect(detail(report, 'tls')).toMatch(/the certificate is for other\.test, not 127\.0\.0\.1.*other\.test by other\.test, valid until \d{4}-.*Set host, or tls\.server_name/);
  });

  it('stops where a name leads nowhere', async () => {
    const report = await check({ host: 'nowhere.test' }, { register: true });
    expect([report.ok, outcomes(report)]).toEqual([false, ['dns failed', 'reachability skipped', 'options skipped', 'registration skipped', 'codecs skipped']]);
    expect(detail(report, 'dns')).toBe('Host nowhere.test does not resolve (ENOTFOUND) (no NAPTR; no SRV). Check the spelling of host, and the transport.');
  });
});

describe('words about media', () => {
  it('names the codecs of a description', () => {
    expect(codecsOf('m=audio 9 RTP/AVP 0 8 9 96\r\na=rtpmap:96 telephone-event/8000\r\n')).toEqual(['PCMU', 'PCMA', 'G722']);
    expect(codecsOf('m=video 9 RTP/AVP 96\r\n')).toBeUndefined();
    expect(codecWords('m=audio 9 RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\n', { codecs: ['PCMU'] } as TrunkPlan)).toMatchObject({ outcome: 'failed', detail: expect.stringContaining('488') });
  });

  it('warns of keys that anybody can read, and of an address that nobody can reach', () => {
    expect(mediaWords({ transport: 'udp', srtp: 'required' } as TrunkPlan).outcome).toBe('warning');
    expect(mediaWords({ transport: 'tls', srtp: 'required' } as TrunkPlan).outcome).toBe('ok');
    expect(addressWords('10.0.0.5', '203.0.113.9').outcome).toBe('ok');
    expect(addressWords('10.0.0.5', '8.8.8.8').outcome).toBe('warning');
    expect(addressWords('10.0.0.5', '10.1.0.1').outcome).toBe('ok');
  });
});
