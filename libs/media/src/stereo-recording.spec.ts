import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { StereoRecording } from './stereo-recording.js';
import { parseWav, wavHeader } from './wav.js';

const frame = (value: number, samples = 160): Int16Array => new Int16Array(samples).fill(value);

function channelsOf(batches: readonly (Uint8Array | null)[]): { customer: Int16Array; bot: Int16Array } {
  const data = Buffer.concat(batches.filter((batch) => batch !== null));
  const [customer, bot] = parseWav(Buffer.concat([wavHeader({ channels: 2, sampleRateHz: 8000 }, data.length), data])).channels;
  return { customer, bot };
}

function flushed(recording: StereoRecording): Uint8Array[] {
  const batches: Uint8Array[] = [];
  for (let batch = recording.flush(); batch; batch = recording.flush()) batches.push(batch);
  return batches;
}

describe('StereoRecording', () => {
  it('puts each track on its own channel', () => {
    const recording = new StereoRecording();
    recording.write('customer', 0, frame(100));
    recording.write('bot', 20, frame(-7));
    const { customer, bot } = channelsOf(flushed(recording));
    expect(customer).toEqual(Int16Array.of(...frame(100), ...frame(0)));
    expect(bot).toEqual(Int16Array.of(...frame(0), ...frame(-7)));
  });

  it('cuts whole seconds once they are safely past', () => {
    const recording = new StereoRecording();
    for (let ms = 0; ms < 2100; ms += 20) recording.write('bot', ms, frame(1));
    expect(recording.cut(1100)).toBeNull();
    expect(recording.cut(1200)).toHaveLength(32_000);
    expect(recording.cut(1200)).toBeNull();
    expect(recording.cut(2200)).toHaveLength(32_000);
    expect(flushed(recording).map((batch) => batch.length)).toEqual([100 * 32]);
    expect(recording.lengthSamples).toBe(2100 * 8);
  });

  it('keeps time through a gap: silence, not a jump', () => {
    const recording = new StereoRecording();
    recording.write('customer', 0, frame(5));
    const batches = [3, 2, 1].map(() => recording.cut(5000));
    recording.write('customer', 4980, frame(9));
    const { customer } = channelsOf([...batches, ...flushed(recording)]);
    expect(customer).toHaveLength(40_000);
    expect([customer[0], customer[159], customer[160], customer[39_839], customer[39_840], customer[39_999]]).toEqual([5, 5, 0, 0, 9, 9]);
  });

  it('leaves out what comes for a second already cut', () => {
    const recording = new StereoRecording();
    const first = recording.cut(1300);
    recording.write('bot', 990, frame(3));
    const { bot } = channelsOf([first, ...flushed(recording)]);
    expect(bot.findIndex((sample) => sample === 3)).toBe(8000);
    expect(bot).toHaveLength(8000 + 80);
  });

  it('is empty when nothing was written', () => {
    expect(new StereoRecording().flush()).toBeNull();
  });

  it('puts every sample where the clock says, whatever is missing and however it is cut', () => {
    const events = fc.array(fc.record({ gapMs: fc.constantFrom(0, 0, 0, 20, 340, 2500), track: fc.constantFrom('customer', 'bot') }), { minLength: 1, maxLength: 120 });
    fc.assert(fc.property(events, (writes) => {
      const recording = new StereoRecording();
      const batches: (Uint8Array | null)[] = [];
      const expected: { track: 'customer' | 'bot'; at: number; value: number }[] = [];
      let ms = 0;
      writes.forEach(({ gapMs, track }, i) => {
        ms += gapMs;
        for (let batch = recording.cut(ms); batch; batch = recording.cut(ms)) batches.push(batch);
        recording.write(track as 'customer' | 'bot', ms, frame(i + 1));
        expected.push({ track: track as 'customer' | 'bot', at: ms * 8, value: i + 1 });
        ms += 20;
      });
      const channels = channelsOf([...batches, ...flushed(recording)]);
      expect(channels.bot).toHaveLength(ms * 8);
      for (const { track, at, value } of expected) expect([channels[track][at], channels[track][at + 159]]).toEqual([value, value]);
    }), { numRuns: 60 });
  });
});
