import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ThreadVadStream } from './thread-vad-stream.js';

function setUp(): { stream: ThreadVadStream; sent: Int16Array[]; heard: number[] } {
  const sent: Int16Array[] = [];
  const heard: number[] = [];
  const stream = new ThreadVadStream({
    sampleRateHz: 8000, onWindow: (probability) => heard.push(probability), onClose: () => undefined,
    send: (window) => { sent.push(window); },
  });
  return { stream, sent, heard };
}

describe('voice activity stream of a thread', () => {
  it('cuts any frames into windows without losing a sample', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 20 }), (lengths) => {
      const { stream, sent } = setUp();
      let counter = 0;
      for (const length of lengths) stream.push(Int16Array.from({ length }, () => counter++ % 30_000));
      expect(sent.flatMap((window) => [...window])).toEqual(Array.from({ length: Math.floor(counter / 256) * 256 }, (_, i) => i % 30_000));
    }));
  });

  it('answers each window once: silence for those that a dead thread keeps', () => {
    const { stream, heard } = setUp();
    stream.push(new Int16Array(3 * 256));
    stream.answer(0.9);
    expect(heard).toEqual([0.9]);
    stream.onThreadCrash();
    expect(heard).toEqual([0.9, 0, 0]);
    stream.answer(0.5);
    expect(heard).toHaveLength(3);
    stream.push(new Int16Array(256));
    stream.answer(0.6);
    expect(heard).toEqual([0.9, 0, 0, 0.6]);
  });

  it('is silent once closed, even from within its own answer', () => {
    const { stream, heard } = setUp();
    stream.push(new Int16Array(512));
    stream.close();
    stream.answer(0.7);
    stream.onThreadCrash();
    stream.push(new Int16Array(512));
    expect(heard).toEqual([]);
  });
});
