import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PlayoutQueue } from './playout-queue.js';

const ramp = (length: number, from = 1): Int16Array => Int16Array.from({ length }, (_, i) => from + i);

describe('PlayoutQueue', () => {
  it('gives nothing when empty', () => {
    expect(new PlayoutQueue().pull(160)).toEqual({ pcm: null, begun: [], played: [] });
  });

  it('plays an utterance frame by frame and reports its beginning with its first and its end with its last, padded frame', () => {
    const queue = new PlayoutQueue();
    queue.play('greeting', ramp(200));
    queue.endOf('greeting');
    expect(queue.queuedMs).toBe(25);
    expect(queue.pull(160)).toEqual({ pcm: ramp(160), begun: ['greeting'], played: [] });
    const last = new Int16Array(160);
    last.set(ramp(40, 161));
    expect(queue.pull(160)).toEqual({ pcm: last, begun: [], played: ['greeting'] });
    expect(queue.pull(160)).toEqual({ pcm: null, begun: [], played: [] });
    expect(queue.isEmpty).toBe(true);
  });

  it('begins an utterance once, however many chunks and pauses it has', () => {
    const queue = new PlayoutQueue();
    const begun: string[] = [];
    for (let chunk = 0; chunk < 3; chunk++) {
      queue.play('a', ramp(160));
      begun.push(...queue.pull(160).begun, ...queue.pull(160).begun);
    }
    expect(begun).toEqual(['a']);
  });

  it('does not begin what is paused or dropped before its first sample', () => {
    const queue = new PlayoutQueue();
    queue.pause();
    queue.play('a', ramp(160));
    expect(queue.pull(160).begun).toEqual([]);
    queue.clear();
    queue.resume();
    queue.play('b', ramp(160));
    expect(queue.pull(160).begun).toEqual(['b']);
  });

  it('holds back a part of a frame until the utterance goes on', () => {
    const queue = new PlayoutQueue();
    queue.play('a', ramp(100));
    expect(queue.pull(160).pcm).toBeNull();
    queue.play('a', ramp(60, 101));
    expect(queue.pull(160).pcm).toEqual(ramp(160));
  });

  it('joins the next utterance to the one before inside a frame', () => {
    const queue = new PlayoutQueue();
    queue.play('a', ramp(100));
    queue.endOf('a');
    queue.play('b', ramp(60, 101));
    expect(queue.pull(160)).toEqual({ pcm: ramp(160), begun: ['a', 'b'], played: ['a'] });
  });

  it('does not keep the end of one utterance waiting for the next', () => {
    const queue = new PlayoutQueue();
    queue.play('a', ramp(100));
    queue.endOf('a');
    queue.play('b', ramp(10, 500));
    const frame = new Int16Array(160);
    frame.set(ramp(100));
    expect(queue.pull(160)).toEqual({ pcm: frame, begun: ['a'], played: ['a'] });
    expect(queue.clear()).toEqual({ a: 100, b: 0 });
  });

  it('reports the end of an utterance whose audio is already out, or that never had any', () => {
    const queue = new PlayoutQueue();
    queue.play('a', ramp(160));
    queue.pull(160);
    queue.endOf('a');
    queue.endOf('empty');
    expect(queue.pull(160)).toEqual({ pcm: null, begun: [], played: ['a', 'empty'] });
  });

  it('says on clear how much of each utterance was heard, and never reports the dropped ones', () => {
    const queue = new PlayoutQueue();
    queue.play('a', ramp(160));
    queue.endOf('a');
    queue.play('b', ramp(800));
    queue.endOf('b');
    queue.play('c', ramp(10));
    for (let i = 0; i < 3; i++) queue.pull(160);
    expect(queue.clear()).toEqual({ a: 160, b: 320, c: 0 });
    expect(queue.pull(160)).toEqual({ pcm: null, begun: [], played: [] });
  });

  it('keeps its place while paused', () => {
    const queue = new PlayoutQueue();
    queue.play('a', ramp(320));
    queue.pull(160);
    queue.pause();
    expect(queue.pull(160)).toEqual({ pcm: null, begun: [], played: [] });
    queue.resume();
    expect(queue.pull(160).pcm).toEqual(ramp(160, 161));
  });

  it('remembers a bounded number of utterances', () => {
    const queue = new PlayoutQueue();
    for (let i = 0; i < 500; i++) queue.endOf(`t${i}`);
    queue.pull(160);
    expect(Object.keys(queue.clear()).length).toBeLessThanOrEqual(32);
  });

  it('plays every sample once and in order, whatever the chunks', () => {
    fc.assert(fc.property(fc.array(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 5 }), { maxLength: 6 }), (utterances) => {
      const queue = new PlayoutQueue();
      let next = 1;
      utterances.forEach((chunks, i) => {
        for (const length of chunks) { queue.play(`u${i}`, ramp(length, next)); next += length; }
        queue.endOf(`u${i}`);
      });
      const heard: number[] = [];
      const begun: string[] = [];
      const played: string[] = [];
      for (let i = 0; i < 100; i++) {
        const frame = queue.pull(160);
        heard.push(...(frame.pcm ?? []));
        begun.push(...frame.begun);
        played.push(...frame.played);
      }
      expect(heard.filter((sample) => sample !== 0)).toEqual([...ramp(next - 1)]);
      expect(begun).toEqual(utterances.flatMap((chunks, i) => (chunks.some((length) => length > 0) ? [`u${i}`] : [])));
      expect(played).toEqual(utterances.map((_, i) => `u${i}`));
    }));
  });
});
