import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { silentLogger } from '@dialfleet/kit';
import { rmsLevel } from '@dialfleet/media';
import { fliteVoice, type CustomerVoice } from './customer-voice.js';

/** Threads run compiled code: the library must be built. */
const workerUrl = new URL('../../../../libs/providers/dist/speech/speech.worker.js', import.meta.url);

describe('fliteVoice', () => {
  let voice: CustomerVoice;
  beforeAll(() => {
    if (!existsSync(workerUrl)) throw new Error('build first: node node_modules/ts7/bin/tsc -b apps/carrier-sim');
    voice = fliteVoice({ logger: silentLogger, workerUrl });
  });
  afterAll(() => voice.close());

  it('speaks all sentences of a line, at 8 kHz', async () => {
    const one = await voice.speak({ text: 'Sorry, I am busy.', voice: 'rms', speed: 1 });
    const two = await voice.speak({ text: 'Sorry, I am busy. Can you call me another day?', voice: 'rms', speed: 1 });
    expect(one.length / 8000).toBeGreaterThan(0.8);
    expect(one.length / 8000).toBeLessThan(3);
    expect(two.length).toBeGreaterThan(one.length * 1.7);
    expect(rmsLevel(one)).toBeGreaterThan(500);
  });

  it('speaks faster and in another voice when asked', async () => {
    const line = { text: 'Sorry, I am busy.', voice: 'rms', speed: 1 };
    const [slow, fast, other] = [await voice.speak(line), await voice.speak({ ...line, speed: 1.5 }), await voice.speak({ ...line, voice: 'slt' })];
    expect(fast.length).toBeLessThan(slow.length * 0.85);
    expect(other).not.toEqual(slow);
  });
});
