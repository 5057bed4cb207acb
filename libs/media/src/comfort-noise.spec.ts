import { describe, expect, it } from '@jest/globals';
import { ComfortNoise } from './comfort-noise.js';
import { rmsLevel } from './tone.js';

const levelOf = (noise: ComfortNoise, at: number): number | null => {
  const pcm = noise.at(at, 1600);
  return pcm && Math.round(rmsLevel(pcm));
};

describe('ComfortNoise', () => {
  it('has the level of the descriptor, within a bound', () => {
    const noise = new ComfortNoise();
    // 32768 · 10^(−dBov / 20): 328 at −40, 33 at −60; louder than −30 (1036) is not believed.
    for (const [dbov, least, most] of [[40, 310, 345], [60, 30, 36], [127, 0, 1], [0, 985, 1090], [0x80 | 60, 30, 36]]) {
      noise.describe(0, Uint8Array.of(dbov));
      expect(levelOf(noise, 0)).toBeGreaterThanOrEqual(least);
      expect(levelOf(noise, 0)).toBeLessThanOrEqual(most);
    }
  });

  it('lasts from its descriptor to the next audio, across the wrap', () => {
    const noise = new ComfortNoise();
    noise.describe(0xfffffff0, Uint8Array.of(50, 128, 130));
    noise.audioAt(0xffffff00);
    expect([0xffffff00, 0xfffffff0, 100, 80_000].map((at) => levelOf(noise, at) !== null)).toEqual([false, true, true, true]);
    noise.audioAt(1000);
    noise.audioAt(1160);
    expect([999, 1000, 2000].map((at) => levelOf(noise, at) !== null)).toEqual([true, false, false]);
  });

  it('is over when another stream begins, or by an empty descriptor', () => {
    const noise = new ComfortNoise();
    noise.describe(0, Uint8Array.of(50));
    noise.reset();
    expect(noise.at(0, 160)).toBeNull();
    noise.describe(0, new Uint8Array(0));
    expect(noise.at(0, 160)).toBeNull();
  });
});
