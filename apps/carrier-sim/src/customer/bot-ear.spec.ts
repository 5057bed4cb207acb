import { describe, expect, it } from '@jest/globals';
import { decodeG711, encodeG711, sineWave } from '@dialfleet/media';
import { BotEar } from './bot-ear.js';

const tone = sineWave({ frequencyHz: 300, durationMs: 20, amplitude: 3000 });
const silence = new Int16Array(160);

function listen(...spans: [frame: Int16Array, ms: number][]): BotEar {
  const ear = new BotEar();
  let nowMs = 10_000;
  for (const [frame, ms] of spans) for (let i = 0; i < ms; i += 20) ear.hear(frame, nowMs += 20);
  return ear;
}

describe('BotEar', () => {
  it('tells voice from silence and from quiet companded noise', () => {
    const noise = Int16Array.from({ length: 160 }, (_, i) => ((i * 7919) % 121) - 60);
    const coded = new Uint8Array(160);
    encodeG711('PCMU', noise, coded);
    const ear = new BotEar();
    expect([tone, silence, decodeG711('PCMU', coded)].map((frame) => ear.hear(frame, 0).voiced)).toEqual([true, false, false]);
  });

  it('joins speech over short pauses and parts it at long ones', () => {
    const ear = listen([tone, 1000], [silence, 400], [tone, 600], [silence, 1000], [tone, 200]);
    expect(ear.heard).toEqual([{ startedAtMs: 10_000, endedAtMs: 12_000 }, { startedAtMs: 13_000, endedAtMs: 13_200 }]);
  });

  it('tells when an utterance is over, once', () => {
    const ear = listen([tone, 500], [silence, 600]);
    expect(ear.unfinished).toEqual({ startedAtMs: 10_000, endedAtMs: 10_500 });
    expect([11_120, 11_140].map((nowMs) => ear.hear(silence, nowMs).finished)).toEqual([{ startedAtMs: 10_000, endedAtMs: 10_500 }, undefined]);
    expect(ear.unfinished).toBeUndefined();
  });

  it('leaves out clicks', () => {
    expect(listen([tone, 40], [silence, 2000], [tone, 60], [silence, 2000]).heard).toEqual([]);
  });
});
