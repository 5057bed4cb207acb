import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DtmfReceiver, DtmfSender } from './dtmf-event.js';

interface Packet { timestamp: number; payload: Uint8Array; first: boolean }

const digitString = fc.string({ unit: fc.constantFrom(...'0123456789*#ABCD'), minLength: 1, maxLength: 8 });

/** What a sender puts on the wire, with the timestamp that its transport would give. */
function packetsOf(digits: string, start = 1000): Packet[] {
  const sender = new DtmfSender();
  sender.queue(digits);
  const packets: Packet[] = [];
  let timestamp = start;
  for (let clock = start; !sender.isIdle; clock = (clock + 160) >>> 0) {
    const next = sender.next();
    if (next === null || next === 'gap') continue;
    if (next.first) timestamp = clock;
    packets.push({ timestamp, ...next });
  }
  return packets;
}

const hear = (packets: readonly Packet[], receiver = new DtmfReceiver()): string =>
  packets.map((packet) => receiver.receive(packet.timestamp, packet.payload) ?? '').join('');

const event = (code: number, duration: number, end = false): Uint8Array => Uint8Array.of(code, (end ? 0x80 : 0) | 10, duration >> 8, duration & 0xff);

describe('DtmfSender', () => {
  it('sends growing durations, three ends, then a gap', () => {
    const sender = new DtmfSender({ toneMs: 60, gapMs: 40 });
    sender.queue('7#');
    const frames = Array.from({ length: 8 }, () => sender.next());
    expect(frames.slice(0, 7)).toEqual([
      { first: true, payload: event(7, 160) },
      { first: false, payload: event(7, 320) },
      { first: false, payload: event(7, 480, true) },
      { first: false, payload: event(7, 480, true) },
      { first: false, payload: event(7, 480, true) },
      'gap', 'gap',
    ]);
    expect(frames[7]).toEqual({ first: true, payload: event(11, 160) });
    expect(sender.isIdle).toBe(false);
  });

  it('is idle after the last gap', () => {
    const sender = new DtmfSender();
    sender.queue('1');
    let frames = 0;
    while (sender.next() !== null) frames++;
    expect(frames).toBe(8 + 2 + 4);
    expect(sender.isIdle).toBe(true);
  });

  it('takes lower-case letters and refuses what no keypad has', () => {
    const sender = new DtmfSender();
    sender.queue('d');
    expect(sender.next()).toEqual({ first: true, payload: event(15, 160) });
    expect(() => sender.queue('12x')).toThrow(RangeError);
  });
});

describe('DtmfReceiver', () => {
  it('hears what a sender sent, once a digit, across the timestamp wrap', () => {
    fc.assert(fc.property(digitString, fc.constantFrom(1000, 0xfffffb00), (digits, start) => {
      expect(hear(packetsOf(digits, start))).toBe(digits);
    }));
  });

  it('hears each digit once when packets are lost, doubled and swapped, as long as one of each press comes', () => {
    fc.assert(fc.property(digitString, fc.infiniteStream(fc.constantFrom('keep', 'lose', 'double', 'swap')), (digits, fates) => {
      const sent = packetsOf(digits);
      const received: Packet[] = [];
      for (const packet of sent) {
        const fate = fates.next().value;
        const isLastOfPress = sent.filter((p) => p.timestamp === packet.timestamp).at(-1) === packet;
        const cameThrough = received.some((p) => p.timestamp === packet.timestamp);
        if (fate === 'lose' && (cameThrough || !isLastOfPress)) continue;
        received.push(packet);
        if (fate === 'double') received.push(packet);
        const previous = received.at(-2);
        if (fate === 'swap' && previous?.timestamp === packet.timestamp) received.splice(-2, 2, packet, previous);
      }
      expect(hear(received)).toBe(digits);
    }));
  });

  it('tolerates a missing End: the next press has its own timestamp', () => {
    const withoutEnds = packetsOf('55').filter((packet) => packet.payload[1] < 0x80);
    expect(hear(withoutEnds)).toBe('55');
  });

  it('hears a press of which only the End arrived', () => {
    expect(hear(packetsOf('39').filter((packet) => packet.payload[1] >= 0x80))).toBe('39');
  });

  it('ignores the packets of the press before that arrive late', () => {
    const [one, two] = [packetsOf('1', 1000), packetsOf('2', 4000)];
    expect(hear([...one, ...two.slice(0, 3), one[9], ...two.slice(3)])).toBe('12');
  });

  it('counts the segments of a long press once', () => {
    const receiver = new DtmfReceiver();
    const heard = [receiver.receive(0, event(4, 160)), receiver.receive(0, event(4, 0xffff)), receiver.receive(0xffff, event(4, 160)), receiver.receive(0xffff, event(4, 800, true))];
    expect(heard).toEqual(['4', null, null, null]);
  });

  it('counts once a press whose gateway lets the timestamp run on, then hears the next', () => {
    const receiver = new DtmfReceiver();
    const run = (code: number, start: number): string => [1, 2, 3, 4, 5, 5, 5]
      .map((n, i) => receiver.receive(start + i * 160, event(code, n * 160, i >= 4)) ?? '').join('');
    expect([run(6, 8000), run(6, 12_000), run(7, 14_000)]).toEqual(['6', '6', '7']);
  });

  it('starts again with a new clock', () => {
    const receiver = new DtmfReceiver();
    expect(hear(packetsOf('1', 3_000_000_000), receiver)).toBe('1');
    expect(hear(packetsOf('2', 2_000_000_000), receiver)).toBe('2');
    receiver.reset();
    expect(hear(packetsOf('3', 1_999_990_000), receiver)).toBe('3');
  });

  it('ignores other events and never throws on any bytes', () => {
    const receiver = new DtmfReceiver();
    expect(receiver.receive(1, event(16, 160))).toBeNull();
    expect(receiver.receive(1, Uint8Array.of(1, 2))).toBeNull();
    fc.assert(fc.property(fc.integer({ min: 0, max: 0xffffffff }), fc.uint8Array({ maxLength: 8 }), (timestamp, bytes) => {
      expect(['string', 'object']).toContain(typeof receiver.receive(timestamp, bytes));
    }));
  });
});
