import { describe, expect, it } from '@jest/globals';
import { rmsLevel, sineWave, toneAmplitude, tonePurity } from './tone.js';

describe('tones', () => {
  it('measure the amplitude of a tone at its own frequency and nothing elsewhere', () => {
    const pcm = sineWave({ frequencyHz: 1000, durationMs: 200, amplitude: 6000 });
    expect(pcm).toHaveLength(1600);
    expect(toneAmplitude(pcm, 1000)).toBeCloseTo(6000, -2);
    expect(toneAmplitude(pcm, 1400)).toBeLessThan(60);
    expect(tonePurity(pcm, 1000)).toBeGreaterThan(0.99);
    expect(tonePurity(pcm, 500)).toBeLessThan(0.01);
  });

  it('tell two tones apart in a mixture', () => {
    const low = sineWave({ frequencyHz: 440, durationMs: 100, amplitude: 3000 });
    const mixed = sineWave({ frequencyHz: 950, durationMs: 100, amplitude: 9000 }).map((sample, i) => sample + low[i]);
    expect(toneAmplitude(mixed, 440)).toBeCloseTo(3000, -3);
    expect(toneAmplitude(mixed, 950)).toBeCloseTo(9000, -3);
    expect(tonePurity(mixed, 950)).toBeLessThan(0.95);
  });

  it('work at other sample rates', () => {
    const pcm = sineWave({ frequencyHz: 5000, durationMs: 100, sampleRateHz: 16000 });
    expect(toneAmplitude(pcm, 5000, 16000)).toBeCloseTo(8000, -2);
  });

  it('find nothing in silence or in nothing', () => {
    expect([toneAmplitude(new Int16Array(160), 1000), tonePurity(new Int16Array(160), 1000), toneAmplitude(new Int16Array(0), 1000), rmsLevel(new Int16Array(0))]).toEqual([0, 0, 0, 0]);
    expect(rmsLevel(Int16Array.of(100, -100))).toBe(100);
  });
});
