import { describe, expect, it } from '@jest/globals';
import type { Pcm, VadVendor } from '@dialfleet/conversation';
import { framesOf, joinPcm, lineNoise } from './speech-samples.js';

export interface VadUnderTest {
  vendor(): VadVendor;
  /** 8 kHz: speech from its first sample to its last. */
  speech(): Promise<Pcm>;
}

/** What every voice activity detector keeps to. */
export function vadConformance(name: string, { vendor, speech }: VadUnderTest): void {
  describe(`voice activity: ${name}`, () => {
    it('answers each window once, whatever the size of the frames', async () => {
      const pcm = joinPcm(lineNoise(300), await speech());
      const windows = Math.floor((pcm.length / 8000) * (1000 / vendor().windowMs));
      const byFrame = await probabilities(vendor(), pcm, 160);
      const oddly = await probabilities(vendor(), pcm, 37);
      expect(byFrame).toHaveLength(windows);
      expect(oddly).toEqual(byFrame);
      for (const probability of byFrame) expect(probability >= 0 && probability <= 1).toBe(true);
    });

    it('tells speech from silence and noise', async () => {
      const silence = await probabilities(vendor(), new Int16Array(16_000));
      const quiet = await probabilities(vendor(), lineNoise(2000));
      const loud = await probabilities(vendor(), lineNoise(2000, 2500));
      const voice = await probabilities(vendor(), await speech());
      for (const noise of [silence, quiet, loud]) expect(share(noise, 0.5)).toBeLessThan(0.05);
      expect(share(voice, 0.5)).toBeGreaterThan(0.75);
    });

    it('finds where speech begins and ends', async () => {
      const voice = await speech();
      const windowMs = vendor().windowMs;
      const found = await probabilities(vendor(), joinPcm(lineNoise(1500), voice, lineNoise(1500)));
      const first = found.findIndex((probability) => probability > 0.5) * windowMs;
      const last = (found.findLastIndex((probability) => probability > 0.5) + 1) * windowMs;
      expect(Math.abs(first - 1500)).toBeLessThan(200);
      expect(Math.abs(last - (1500 + voice.length / 8))).toBeLessThan(300);
    });

    it('keeps streams apart', async () => {
      const voice = await speech();
      const [spoken, silent] = await Promise.all([probabilities(vendor(), voice), probabilities(vendor(), new Int16Array(voice.length))]);
      expect(share(spoken, 0.5)).toBeGreaterThan(0.75);
      expect(share(silent, 0.5)).toBe(0);
    });
  });
}

const share = (values: readonly number[], over: number): number => values.filter((value) => value > over).length / values.length;

/** Resolves when every window has been answered. */
export async function probabilities(vendor: VadVendor, pcm: Pcm, frameSamples = 160): Promise<number[]> {
  const expected = Math.floor(pcm.length / ((vendor.windowMs * 8000) / 1000));
  const found: number[] = [];
  await new Promise<void>((resolve) => {
    const stream = vendor.open({
      sampleRateHz: 8000,
      onWindow(probability) {
        found.push(probability);
        if (found.length < expected) return;
        stream.close();
        resolve();
      },
    });
    for (const frame of framesOf(pcm, frameSamples)) stream.push(frame);
  });
  return found;
}
