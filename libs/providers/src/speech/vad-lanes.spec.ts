import { describe, expect, it } from '@jest/globals';
import type { FvadModule } from '@echogarden/fvad-wasm';
import type { SileroState, SileroVad } from './silero-vad.js';
import type { VadAnswers, VadBatch } from './speech-protocol.js';
import { VadLanes } from './vad-lanes.js';

/** Takes everything for voice; counts its instances. */
class FakeFvad {
  readonly HEAP16 = new Int16Array(1024);
  readonly alive = new Set<number>();
  private last = 0;
  _fvad_new(): number { this.alive.add(++this.last); return this.last; }
  _fvad_free(detector: number): void { this.alive.delete(detector); }
  _malloc(): number { return 0; }
  _free(): void { /* Nothing was taken. */ }
  _fvad_set_mode(): number { return 0; }
  _fvad_set_sample_rate(): number { return 0; }
  _fvad_process(): number { return 1; }
}

/** Hears the first sample of a window, in hundredths, each in a turn of the event loop of its own. */
class FakeSilero {
  readonly heard: { state: SileroState; samples: number }[] = [];
  async probability(state: SileroState, window: Int16Array): Promise<number> {
    await new Promise(setImmediate);
    this.heard.push({ state, samples: window.length });
    return window[0] / 100;
  }
}

function setUp(): { lanes: VadLanes; answers: VadAnswers[]; fvad: FakeFvad; silero: FakeSilero; settled: (batches: number) => Promise<void> } {
  const [fvad, silero, answers] = [new FakeFvad(), new FakeSilero(), [] as VadAnswers[]];
  const lanes = new VadLanes(silero as unknown as SileroVad, fvad as unknown as FvadModule, (batch) => answers.push(batch));
  return { lanes, answers, fvad, silero, settled: async (batches) => { while (answers.length < batches) await new Promise(setImmediate); } };
}

const batch = (windows: [stream: number, sampleRateHz: 8000 | 16000, sample: number][], closed: number[] = []): VadBatch => ({
  type: 'vadBatch', streams: windows.map(([stream]) => stream), sampleRatesHz: windows.map(([, rateHz]) => rateHz), closed,
  pcm: Int16Array.from(windows.flatMap(([, rateHz, sample]) => Array.from({ length: rateHz * 0.032 }, () => sample))),
});

describe('voice activity lanes', () => {
  it('answers a batch in one message, each batch in its turn', async () => {
    const { lanes, answers, silero, settled } = setUp();
    lanes.push(batch([[1, 8000, 10], [2, 16_000, 20], [1, 8000, 30]]));
    lanes.push(batch([[2, 16_000, 40]]));
    await settled(2);
    expect(answers).toEqual([
      { type: 'vadAnswers', streams: [1, 2, 1], probabilities: [0.1, 0.2, 0.3] },
      { type: 'vadAnswers', streams: [2], probabilities: [0.4] },
    ]);
    expect(silero.heard.map(({ samples }) => samples)).toEqual([256, 512, 256, 512]);
    const [first, second, third, fourth] = silero.heard.map(({ state }) => state);
    expect([third, fourth]).toEqual([first, second]);
    expect(first).not.toBe(second);
  });

  it('ends a stream behind its last window, and says nothing of a batch without windows', async () => {
    const { lanes, answers, fvad, settled } = setUp();
    lanes.push(batch([[1, 8000, 10], [2, 8000, 20]], [1]));
    lanes.push(batch([], [2]));
    lanes.push(batch([[3, 8000, 30]]));
    await settled(2);
    expect(answers.map(({ streams }) => streams)).toEqual([[1, 2], [3]]);
    expect([...fvad.alive]).toEqual([3]);
  });
});
