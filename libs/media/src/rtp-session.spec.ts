import { describe, expect, it } from '@jest/globals';
import type { TransmitFormat } from './audio-codec.js';
import { pcmaCodec, pcmuCodec } from './g711-codec.js';
import { buildRtpPacket, parseRtpPacket } from './rtp-packet.js';
import { RtpReceiver } from './rtp-receiver.js';
import { MAX_PACKET_BYTES, RtpTransmitter } from './rtp-transmitter.js';
import type { MediaSource } from './source-latch.js';
import { rmsLevel, sineWave, tonePurity } from './tone.js';

const far: MediaSource = { address: '192.0.2.1', port: 4000 };
const stranger: MediaSource = { address: '203.0.113.9', port: 5000 };
const codecs = { PCMU: pcmuCodec, PCMA: pcmaCodec };
const pcmu: TransmitFormat = { codec: { name: 'PCMU', payloadType: 0, clockRateHz: 8000 }, telephoneEvent: { payloadType: 101, clockRateHz: 8000 } };
const pcma: TransmitFormat = { codec: { name: 'PCMA', payloadType: 8, clockRateHz: 8000 } };

function newTransmitter(format: TransmitFormat | null = pcmu, sequenceNumber = 65_530): RtpTransmitter {
  const transmitter = new RtpTransmitter({ ssrc: 77, sequenceNumber, rtpTimestamp: 0xffffff00 }, codecs);
  transmitter.setFormat(format);
  return transmitter;
}

function newReceiver(format: TransmitFormat = pcmu): RtpReceiver {
  const receiver = new RtpReceiver(codecs);
  receiver.setFormats({ audio: [format.codec], telephoneEvents: format.telephoneEvent ? [format.telephoneEvent] : [] });
  receiver.latch.setSignalled(far);
  return receiver;
}

function nextPacket(transmitter: RtpTransmitter): Uint8Array {
  const out = new Uint8Array(MAX_PACKET_BYTES);
  transmitter.tick();
  return out.subarray(0, transmitter.writePacket(out));
}

const concat = (frames: readonly (Int16Array | null)[]): Int16Array => Int16Array.from(frames.flatMap((frame) => [...(frame ?? [])]));

/** Runs packets from one end to the other for `frames` periods; `fate` gives what arrives in each period. */
function transmit(transmitter: RtpTransmitter, receiver: RtpReceiver, frames: number, fate: (packet: Uint8Array, n: number) => Uint8Array[] = (p) => [p]): { heard: Int16Array; digits: string } {
  const heard: (Int16Array | null)[] = [];
  let digits = '';
  for (let n = 0; n < frames; n++) {
    for (const packet of fate(nextPacket(transmitter), n)) digits += receiver.receive(packet, far, n * 20).digit ?? '';
    heard.push(receiver.pull());
  }
  return { heard: concat(heard), digits };
}

describe('RTP session halves', () => {
  it('send marked silence without pause when nothing is queued', () => {
    const transmitter = newTransmitter();
    const packets = [1, 2, 3].map(() => parseRtpPacket(nextPacket(transmitter))!);
    expect(packets.map((p) => [p.marker, p.sequenceNumber, p.rtpTimestamp])).toEqual([[true, 65_530, 0xffffffa0], [false, 65_531, 0x40], [false, 65_532, 0xe0]]);
    expect(packets[2].payload).toEqual(new Uint8Array(160).fill(0xff));
  });

  it.each([pcmu, pcma])('carry a tone over $codec.name', (format) => {
    const transmitter = newTransmitter(format);
    transmitter.queue.play('tone', sineWave({ frequencyHz: 700, durationMs: 400 }));
    const { heard } = transmit(transmitter, newReceiver(format), 20);
    expect(tonePurity(heard.subarray(320), 700)).toBeGreaterThan(0.99);
  });

  it('carry digits among speech, which waits and loses nothing', () => {
    const transmitter = newTransmitter();
    const receiver = newReceiver();
    const speech = sineWave({ frequencyHz: 700, durationMs: 400 });
    transmitter.queue.play('speech', speech);
    transmit(transmitter, receiver, 5);
    const lastOfFirst = transmitter.dtmf.queue('4');
    const lastOfSecond = transmitter.dtmf.queue('2');
    const { digits } = transmit(transmitter, receiver, 16);
    expect(digits).toBe('42');
    expect([lastOfFirst, lastOfSecond, transmitter.dtmf.pressesSent]).toEqual([1, 2, 1]);
    const rest = transmit(transmitter, receiver, 40);
    expect(rest.digits).toBe('');
    expect(transmitter.dtmf.pressesSent).toBe(2);
    expect(transmitter.queue.clear()).toEqual({ speech: speech.length });
    expect(receiver.report()).toMatchObject({ packetsLost: 0, packetsLateOrDuplicate: 0 });
  });

  it('hear the right thing through loss, doubling and reordering, with numbers that wrap', () => {
    const transmitter = newTransmitter();
    const receiver = newReceiver();
    transmitter.queue.play('tone', sineWave({ frequencyHz: 700, durationMs: 4000 }));
    let held: Uint8Array[] = [];
    const { heard } = transmit(transmitter, receiver, 200, (packet, n) => {
      if (n % 20 === 13) return [];
      if (n % 5 === 1) { held = [packet]; return []; }
      const arriving = [packet, ...held, ...(n % 7 === 0 ? [packet] : [])];
      held = [];
      return arriving;
    });
    const report = receiver.report();
    expect(report.packetsLost).toBe(10);
    expect(report.packetsLateOrDuplicate).toBeGreaterThan(20);
    expect(tonePurity(heard.subarray(1600), 700)).toBeGreaterThan(0.9);
  });

  it('go on after the far end changes its SSRC, timestamps and sequence numbers', () => {
    const receiver = newReceiver();
    transmit(newTransmitter(), receiver, 20);
    const next = new RtpTransmitter({ ssrc: 99, sequenceNumber: 500, rtpTimestamp: 5_000_000 }, codecs);
    next.setFormat(pcmu);
    next.queue.play('tone', sineWave({ frequencyHz: 900, durationMs: 400 }));
    const { heard } = transmit(next, receiver, 20);
    expect(tonePurity(heard.subarray(800), 900)).toBeGreaterThan(0.99);
    expect(receiver.report().packetsLost).toBe(0);
  });

  it('understand the other G.711 law than the one negotiated', () => {
    const transmitter = newTransmitter(pcma);
    transmitter.queue.play('tone', sineWave({ frequencyHz: 700, durationMs: 400 }));
    const { heard } = transmit(transmitter, newReceiver(), 20);
    expect(tonePurity(heard.subarray(320), 700)).toBeGreaterThan(0.99);
  });

  it('take empty packets for a sign of life, not for audio', () => {
    const receiver = newReceiver();
    const empty = { marker: false, sequenceNumber: 2, rtpTimestamp: 0, ssrc: 1, csrcs: [], extension: null, payloadType: 0, payload: new Uint8Array(0) };
    expect(receiver.receive(buildRtpPacket(empty), far, 20).accepted).toBe(true);
    expect(receiver.pull()).toBeNull();
  });

  it('hear comfort noise at its level from its descriptor until speech begins again', () => {
    const receiver = newReceiver();
    const packet = (n: number, payloadType: number, payload: Uint8Array): Uint8Array =>
      buildRtpPacket({ marker: false, sequenceNumber: n, rtpTimestamp: n * 160, ssrc: 1, csrcs: [], extension: null, payloadType, payload });
    const levels: number[] = [];
    for (let n = 0; n < 40; n++) {
      if (n < 5) receiver.receive(packet(n, 0, new Uint8Array(160).fill(0x90)), far, n * 20);
      if (n === 5) receiver.receive(packet(n, 13, Uint8Array.of(50)), far, n * 20);
      if (n >= 30) receiver.receive(packet(n, 0, new Uint8Array(160).fill(0x90)), far, n * 20);
      levels.push(rmsLevel(receiver.pull() ?? new Int16Array(160)));
    }
    const speech = levels[4];
    // −50 dBov are 32768 · 10^(−50/20) = 104.
    expect(levels.slice(7, 32).every((level) => level > 80 && level < 130)).toBe(true);
    expect([...levels.slice(2, 7), ...levels.slice(32)].every((level) => level === speech)).toBe(true);
  });

  it('drop and count strangers, and ignore what is no packet of this session', () => {
    const receiver = newReceiver();
    transmit(newTransmitter(), receiver, 3);
    const spoofed = newTransmitter();
    spoofed.queue.play('spoof', sineWave({ frequencyHz: 700, durationMs: 400 }));
    const frames = Array.from({ length: 10 }, (_, n) => {
      expect(receiver.receive(nextPacket(spoofed), stranger, n * 20).accepted).toBe(false);
      return receiver.pull();
    });
    expect(rmsLevel(concat(frames))).toBe(0);
    expect(receiver.report().packetsForeign).toBe(10);
    const video = buildRtpPacket({ marker: false, payloadType: 96, sequenceNumber: 1, rtpTimestamp: 1, ssrc: 1, csrcs: [], extension: null, payload: new Uint8Array(9) });
    for (const datagram of [video, new Uint8Array(0), Uint8Array.of(1, 2, 3)]) expect(receiver.receive(datagram, far, 0).accepted).toBe(false);
    expect(new RtpReceiver(codecs).receive(nextPacket(newTransmitter()), far, 0).accepted).toBe(false);
  });

  it('hold: nothing is sent, the queue waits, and the stream resumes marked and in time', () => {
    const transmitter = newTransmitter();
    nextPacket(transmitter);
    transmitter.queue.play('a', sineWave({ frequencyHz: 700, durationMs: 20 }));
    transmitter.setFormat(null);
    expect([1, 2, 3].map(() => nextPacket(transmitter).length)).toEqual([0, 0, 0]);
    transmitter.setFormat(pcmu);
    transmitter.skip(2);
    const resumed = parseRtpPacket(nextPacket(transmitter))!;
    expect([resumed.marker, resumed.sequenceNumber, resumed.rtpTimestamp]).toEqual([true, 65_531, (0xffffff00 + 7 * 160) >>> 0]);
    expect(transmitter.queue.clear()).toEqual({ a: 160 });
  });
});
