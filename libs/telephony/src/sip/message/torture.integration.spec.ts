import { createSocket, type Socket } from 'node:dgram';
import { connect } from 'node:net';
import { silentLogger, VirtualClock } from '@dialfleet/kit';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { IncomingCall } from '../set-up/incoming-call.js';
import { SipEndpoint } from '../sip-endpoint.js';
import { FakeMedia } from '../testing/fake-media.js';
import { tortureMessages, type TortureMessage } from '../testing/torture-messages.js';

/** An address on loopback that no other process has: most answers go to port 5060 of whoever asked (RFC 3261 §18.2.2). */
const CALLER = `127.44.${(process.pid >> 8) % 250}.${process.pid % 250 + 1}`;
const BUSY = 486;

let sip: SipEndpoint;
const sockets: Socket[] = [];
const heard: string[] = [];
const calls: IncomingCall[] = [];
let wake: () => void = () => undefined;

beforeAll(async () => {
  // Time stands still: nothing is repeated for want of an ACK.
  sip = await SipEndpoint.start({ transports: ['udp'], bindAddress: '127.0.0.1', port: 0, userAgent: 'test', media: new FakeMedia(), logger: silentLogger, clock: new VirtualClock() });
  sip.onInvite((call) => { calls.push(call); call.reject(BUSY); });
  for (const port of [5060, 5050, 5070, 6050, 19823]) {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => { socket.bind(port, CALLER, resolve); });
    socket.on('message', (datagram) => { heard.push(datagram.toString('latin1')); wake(); });
    sockets.push(socket);
  }
});
afterAll(async () => {
  for (const socket of sockets) socket.close();
  await sip.stop(0);
});

const PROBE = (id: number): string => `OPTIONS sip:probe@example.com SIP/2.0\r\nVia: SIP/2.0/UDP ${CALLER}:5060;branch=z9hG4bKprobe${id}\r\nFrom: <sip:p@x>;tag=p\r\nTo: <sip:q@x>\r\nCall-ID: probe${id}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`;
let probes = 0;

/** What came back for a datagram, final answers only; a request after it that is answered shows that no more will come. */
async function ask(bytes: Buffer): Promise<string[]> {
  heard.length = 0;
  calls.length = 0;
  const id = ++probes;
  sockets[0].send(bytes, sip.port, '127.0.0.1');
  sockets[0].send(PROBE(id), sip.port, '127.0.0.1');
  while (!heard.some((text) => text.includes(`Call-ID: probe${id}\r\n`))) await new Promise<void>((resolve) => { wake = resolve; });
  return heard.filter((text) => text.startsWith('SIP/2.0 ') && !text.includes('Call-ID: probe') && !text.startsWith('SIP/2.0 100'));
}

interface Outcome {
  /** Final status; undefined: silence. */
  status?: number;
  /** The answer has this. */
  answer?: RegExp;
  /** What was understood of a call. */
  call?: Record<string, unknown>;
  /** The message was dropped as malformed. */
  malformed?: true;
  why: string;
}

const rfc4475: Record<string, Outcome> = {
  wsinv: { status: 481, answer: /^CSeq: 0*9\s+INVITE\r$/m, why: 'well-formed, within a dialog that does not exist' },
  intmeth: { status: 501, answer: /^Allow: .*INVITE/m, why: 'an unknown method, in unusual characters' },
  esc01: { status: BUSY, call: { toUser: 'sips:user@example.com', fromUser: 'I have spaces' }, why: 'escapes are read, once' },
  escnull: { status: 405, answer: /^Allow: /m, why: 'well-formed; we are no registrar' },
  esc02: { status: 501, why: 'RE%47IST%45R is not REGISTER' },
  lwsdisp: { status: 200, why: 'a display name may touch its bracket' },
  longreq: { status: BUSY, call: { toUser: 'user', fromUser: 'amazinglylongcallername'.repeat(5) }, why: 'long, and 34 Vias, of which the first has no branch' },
  dblreq: { status: 405, answer: /^CSeq: 8 REGISTER\r$/m, why: 'what follows the body in a datagram is noise' },
  semiuri: { status: 200, why: 'a semicolon in the user part' },
  transports: { status: 200, answer: /^Via: SIP\/2\.0\/UNKNOWN t4/m, why: 'unknown transports further down' },
  mpart01: { status: 405, why: 'NULs in the body; we take no MESSAGE' },
  unreason: { why: 'a response with a reason in Cyrillic, to a request that we never made' },
  noreason: { why: 'no reason phrase, to a request that we never made' },
  badinv01: { status: 400, why: 'separators without values' },
  clerr: { status: 400, why: 'body shorter than Content-Length' },
  ncl: { status: 400, why: 'negative Content-Length' },
  scalar02: { status: 400, why: 'numbers out of range' },
  scalarlg: { malformed: true, why: 'a response with numbers out of range' },
  quotbal: { status: 400, why: 'an open quote' },
  ltgtruri: { status: 400, why: 'a request URI in brackets' },
  lwsruri: { status: 400, why: 'blanks in the request URI' },
  lwsstart: { status: 400, why: 'two blanks in the request line' },
  trws: { status: 400, why: 'blanks behind the request line' },
  escruri: { status: 400, why: 'header fields in the request URI' },
  baddate: { status: BUSY, call: { toUser: 'user' }, why: 'a date that we do not read may be wrong' },
  regbadct: { status: 400, why: 'header fields in a Contact without brackets' },
  badaspec: { status: 400, why: 'blanks inside the brackets' },
  baddn: { status: 400, why: 'a comma in an unquoted display name' },
  badvers: { status: 505, why: 'SIP/7.0' },
  mismatch01: { status: 400, why: 'method and CSeq differ' },
  mismatch02: { status: 501, why: 'an unknown method, and CSeq differs' },
  bigcode: { malformed: true, why: 'a status of ten digits' },
  badbranch: { status: 200, why: 'the magic cookie alone: matched as before RFC 3261' },
  insuf: { status: 400, why: 'no From, To, Call-ID' },
  unkscm: { status: 416, why: 'an unknown scheme' },
  novelsc: { status: 416, why: 'a known scheme that is not ours' },
  unksm2: { status: 405, why: 'well-formed; we are no registrar' },
  bext01: { status: 420, answer: /^Unsupported: nothingSupportsThis, nothingSupportsThisEither\r$/m, why: 'unknown extensions are required; those of proxies are not ours' },
  invut: { status: 415, answer: /^Accept: application\/sdp\r$/m, why: 'an unknown body' },
  regaut01: { status: 405, why: 'well-formed; we are no registrar' },
  multi01: { status: 400, why: 'several of what there is one of' },
  mcl01: { status: 400, why: 'two lengths' },
  bcast: { why: 'a response to nobody here' },
  zeromf: { status: 200, why: 'an endpoint forwards nothing: it answers' },
  cparam01: { status: 405, why: 'well-formed; we are no registrar' },
  cparam02: { status: 405, why: 'well-formed; we are no registrar' },
  regescrt: { status: 405, why: 'well-formed; we are no registrar' },
  sdp01: { status: 406, answer: /^Accept: application\/sdp\r$/m, why: 'an answer in a type that we cannot write' },
  inv2543: { status: 400, why: 'of RFC 2543: no tag and no Contact, so that we could never hang up; who keeps to RFC 3261 may refuse it' },
};

const rfc5118: Record<string, Outcome> = {
  'ipv6-good': { status: 405, why: 'well-formed; we are no registrar' },
  'ipv6-bad': { status: 400, why: 'an address without brackets' },
  'port-ambiguous': { status: 405, why: 'well-formed, if unwise' },
  'port-unambiguous': { status: 405, why: 'well-formed' },
  'via-received-param-with-delim': { status: 481, why: 'brackets round `received`; no such dialog' },
  'via-received-param-no-delim': { status: 200, why: 'no brackets round `received`' },
  'ipv6-in-sdp': { status: 400, why: 'IPv6 throughout, and as printed 17 bytes shorter than it says' },
  'mult-ip-in-header': { status: 481, why: 'addresses of both families; no such dialog' },
  'mult-ip-in-sdp': { status: BUSY, call: { toUser: 'user' }, why: 'addresses of both families' },
  'ipv4-mapped-ipv6': { status: BUSY, call: { toUser: 'user' }, why: 'IPv4 in IPv6' },
  'ipv6-bug-abnf-3-colons': { status: 400, why: 'three colons' },
  'ipv6-correct-abnf-2-colons': { status: 200, why: 'two' },
};

/** On purpose, or (RFC 5118 §4.6, §4.8, §4.9) as printed in the RFC. */
const UNTRUE_LENGTHS = new Set(['clerr', 'ncl', 'mcl01', 'dblreq', 'inv2543', 'multi01', 'mult-ip-in-sdp', 'ipv6-in-sdp', 'ipv4-mapped-ipv6']);

describe.each([[4475, rfc4475, 49], [5118, rfc5118, 12]] as const)('the messages of RFC %d', (rfc, outcomes, count) => {
  const messages = tortureMessages(rfc);

  it('are all here, each with its outcome, and as long as they say', () => {
    expect(messages.map(({ name }) => name).sort()).toEqual(Object.keys(outcomes).sort());
    expect(messages).toHaveLength(count);
    for (const { name, bytes } of messages.filter((message) => !UNTRUE_LENGTHS.has(message.name))) {
      const text = bytes.toString('latin1');
      const said = /^(?:content-length|l)\s*:\s*(\d+)\r$/im.exec(text)?.[1];
      expect([name, text.length - text.indexOf('\r\n\r\n') - 4]).toEqual([name, Number(said)]);
    }
  });

  it.each(messages.map((message): [string, string, string, TortureMessage] => [message.name, message.section, outcomes[message.name].why, message]))(
    '%s (§%s): %s', async (name, _section, _why, { bytes }) => {
      const outcome = outcomes[name];
      const before = sip.stats();
      const answers = await ask(bytes);
      expect(answers.map((text) => Number(text.slice(8, 11)))).toEqual(outcome.status === undefined ? [] : [outcome.status]);
      if (outcome.answer) expect(answers[0]).toMatch(outcome.answer);
      expect(calls).toHaveLength(outcome.call ? 1 : 0);
      if (outcome.call) expect(calls[0]).toMatchObject(outcome.call);
      const after = sip.stats();
      expect(after.messagesFailed).toBe(before.messagesFailed);
      if (outcome.malformed) expect(after.messagesMalformed).toBe(before.messagesMalformed + 1);
      else if (outcome.status === undefined) expect(after.messagesMalformed).toBe(before.messagesMalformed);
    });
});

it('takes IPv6 in a session description, with the length that it has', async () => {
  const { bytes } = tortureMessages(5118).find(({ name }) => name === 'ipv6-in-sdp') as TortureMessage;
  const answers = await ask(Buffer.from(bytes.toString('latin1').replace('268', '251').replace('as3-111', 'as3-112'), 'latin1'));
  expect(answers.map((text) => Number(text.slice(8, 11)))).toEqual([BUSY]);
  expect(calls[0]).toMatchObject({ toUser: 'user' });
});

describe('the same over TCP', () => {
  /** On a stream their length is all that tells where the next message begins. */
  const unframed = new Set(['clerr', 'ncl', 'mcl01', 'dblreq', 'inv2543']);
  let stream: SipEndpoint;
  beforeAll(async () => {
    stream = await SipEndpoint.start({ transports: ['tcp'], bindAddress: '127.0.0.1', port: 0, userAgent: 'test', media: new FakeMedia(), logger: silentLogger });
    stream.onInvite((call) => { call.reject(BUSY); });
  });
  afterAll(() => stream.stop(0));

  it.each(tortureMessages(4475).filter(({ name }) => !unframed.has(name)).map((message): [string, TortureMessage] => [message.name, message]))('%s', async (name, { bytes }) => {
    const expected = rfc4475[name].status === undefined ? [] : [rfc4475[name].status];
    const socket = connect(stream.port, '127.0.0.1');
    let text = '';
    const id = ++probes;
    socket.write(bytes);
    socket.write(PROBE(id).replace('/UDP', '/TCP'));
    try {
      await new Promise<void>((resolve) => {
        socket.on('data', (chunk) => { text += chunk.toString('latin1'); if (text.includes(`Call-ID: probe${id}\r\n`)) resolve(); });
        socket.on('close', () => { resolve(); });
      });
      const statuses = text.split(/^(?=SIP\/2\.0 )/m).filter((part) => part !== '' && !part.includes('Call-ID: probe') && !part.startsWith('SIP/2.0 100')).map((part) => Number(part.slice(8, 11)));
      expect(statuses).toEqual(expected);
    } finally { socket.destroy(); }
  });

  it.each(['ncl', 'mcl01'])('%s ends the connection: nobody knows where it ends', async (name) => {
    const { bytes } = tortureMessages(4475).find((message) => message.name === name) as TortureMessage;
    const socket = connect(stream.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(bytes);
    await new Promise<void>((resolve) => { socket.on('close', () => { resolve(); }); });
    expect(socket.destroyed).toBe(true);
  });
});
