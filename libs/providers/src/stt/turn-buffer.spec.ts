import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TurnBuffer } from './turn-buffer.js';

describe('turn buffer', () => {
  it('holds the last samples of what was pushed, whatever the frames', () => {
    fc.assert(fc.property(fc.array(fc.array(fc.integer({ min: -32768, max: 32767 }), { maxLength: 30 })), fc.integer({ min: 1, max: 50 }), (frames, max) => {
      const buffer = new TurnBuffer(max);
      for (const frame of frames) buffer.push(Int16Array.from(frame));
      expect(buffer.samples).toBe(Math.min(max, frames.flat().length));
      expect([...buffer.take()]).toEqual(frames.flat().slice(-max));
      expect(buffer.samples).toBe(0);
    }));
  });
});
