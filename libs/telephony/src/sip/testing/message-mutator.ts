import { seededRandom } from '@dialfleet/kit';
import { MAX_MESSAGE_BYTES } from '../message/wire.js';

const TOKENS = [
  '\r\n', '\n', '\r', '\r\n ', '\0', '\x7f', ',', ';', ';;', ':', '@', '<', '>', '"', '\\', '\\"', '%', '%00', '%zz', '=', '?', '[', ']', '[::1]', '(', ')', ' ', '\t', '-1', '0', '4294967296',
  '99999999999999999999', 'SIP/2.0', 'z9hG4bK', ';tag=', ';branch=', ';rport', ';received=', ';lr', 'sip:', 'sips:', 'tel:+1', 'INVITE', 'ACK', 'CANCEL', 'BYE', 'é', '\u{1f600}', '\ufeff', '__proto__', 'constructor',
  'Via: SIP/2.0/UDP x;branch=z9hG4bKy\r\n', 'Content-Length: 5\r\n', 'Require: 100rel\r\n', 'Route: <sip:x;lr>\r\n', 'Contact: *\r\n', 'l: 0\r\n', 'To: <sip:a@b>;tag=c\r\n', 'Record-Route: <sip:a>,<sip:b>\r\n',
];
type Random = () => number;
type Mutation = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

const at = (bytes: Buffer, random: Random): number => Math.floor(random() * (bytes.length + 1));
const splice = (bytes: Buffer, from: number, to: number, insert: Buffer | string): Buffer => Buffer.concat([bytes.subarray(0, from), Buffer.from(insert), bytes.subarray(to)]);
const span = (bytes: Buffer, random: Random, most: number): [number, number] => { const from = at(bytes, random); return [from, Math.min(bytes.length, from + Math.floor(random() * most))]; };
const token = (random: Random): string => TOKENS[Math.floor(random() * TOKENS.length)];

/** Lines of the header section, one of them done something to. */
function onLines(bytes: Buffer, random: Random, change: (lines: string[], index: number) => void): Buffer {
  const text = bytes.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  const lines = text.slice(0, end < 0 ? undefined : end).split('\r\n');
  change(lines, Math.floor(random() * lines.length));
  return Buffer.from(lines.join('\r\n') + (end < 0 ? '' : text.slice(end)), 'latin1');
}

const mutations: Mutation[] = [
  (bytes, random) => { const out = Buffer.from(bytes); for (let i = 0; i < 1 + random() * 4; i++) out[Math.floor(random() * out.length)] = Math.floor(random() * 256); return out; },
  (bytes, random) => splice(bytes, ...span(bytes, random, 40), ''),
  (bytes, random) => { const where = at(bytes, random); return splice(bytes, where, where, token(random)); },
  (bytes, random) => splice(bytes, ...span(bytes, random, 12), token(random)),
  (bytes, random) => { const where = at(bytes, random); return splice(bytes, where, where, token(random).repeat(1 + Math.floor(random() * random() * 4000))); },
  (bytes, random) => { const [from, to] = span(bytes, random, 60); return splice(bytes, to, to, bytes.subarray(from, to)); },
  (bytes, random) => onLines(bytes, random, (lines, i) => { lines.splice(i, 1); }),
  (bytes, random) => onLines(bytes, random, (lines, i) => { lines.splice(i, 0, lines[i]); }),
  (bytes, random) => onLines(bytes, random, (lines, i) => { lines.push(...lines.splice(i, 1)); }),
  (bytes, random) => onLines(bytes, random, (lines, i) => { lines[i] = lines[i].replace(/\d+/, () => token(random)); }),
  (bytes, random) => onLines(bytes, random, (lines, i) => { lines[i] = lines[i].replace(/ /g, () => (random() < 0.5 ? '\r\n ' : '  ')); }),
  (bytes, random) => onLines(bytes, random, (lines, i) => { lines[i] = `${lines[i]}, ${lines[i].slice(lines[i].indexOf(':') + 1)}`; }),
  (bytes, random) => onLines(bytes, random, (lines, i) => { lines[i] = random() < 0.5 ? lines[i].toUpperCase() : lines[i].toLowerCase(); }),
  (bytes, random, other) => Buffer.concat([bytes.subarray(0, at(bytes, random)), other.subarray(at(other, random))]),
  (bytes, random) => bytes.subarray(0, at(bytes, random)),
];

/** Messages made of `seeds` by one to four random changes, the same for the same number; none larger than a transport lets through. */
export function* mutatedMessages(seeds: readonly Buffer[], count: number, randomSeed: number): Generator<Buffer> {
  const random = seededRandom(randomSeed);
  const pick = (): Buffer => seeds[Math.floor(random() * seeds.length)];
  for (let i = 0; i < count; i++) {
    let bytes = pick();
    for (let changes = 1 + Math.floor(random() * 4); changes > 0; changes--) bytes = mutations[Math.floor(random() * mutations.length)](bytes.length > 0 ? bytes : pick(), random, pick());
    yield bytes.subarray(0, MAX_MESSAGE_BYTES);
  }
}
