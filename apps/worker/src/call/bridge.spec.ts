import { FRAME_SAMPLES, type CallLeg, type LegEvents } from '@dialfleet/call';
import { Emitter, silentLogger, VirtualClock } from '@dialfleet/kit';
import { describe, expect, it } from '@jest/globals';
import { AudioRelay, Bridge } from './bridge.js';
import { FakeLeg } from './pipeline-testing.js';
import { Ringback } from './ringback.js';

/** A leg whose playout stands still until `play` is called: what was queued is counted. */
function standingLeg() {
  const events = new Emitter<LegEvents>();
  const queue: (string | number)[] = [];
  const leg = { events, audioOut: { play: (_tag: string, pcm: Int16Array) => { queue.push(pcm[0]); }, endOf: (tag: string) => { queue.push(tag); } } } as unknown as CallLeg;
  const drain = (): number[] => {
    const frames: number[] = [];
    for (const item of queue.splice(0)) { if (typeof item === 'string') events.emit('played', { tag: item, offsetMs: 0 }); else frames.push(item); }
    return frames;
  };
  return { leg, drain };
}

const frame = (value: number): LegEvents['audio'] => ({ pcm: new Int16Array(FRAME_SAMPLES).fill(value), offsetMs: 0 });

describe('one way of a bridge', () => {
  it('passes every frame on, in order', () => {
    const from = standingLeg();
    const to = standingLeg();
    const relay = new AudioRelay(from.leg, to.leg, 'x');
    const heard: number[] = [];
    for (let i = 1; i <= 500; i++) { from.leg.events.emit('audio', frame(i)); heard.push(...to.drain()); }
    expect(heard).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
    relay.stop();
    from.leg.events.emit('audio', frame(1));
    expect(to.drain()).toEqual([]);
  });

  it('does not let a pause of the other side become delay', () => {
    const from = standingLeg();
    const to = standingLeg();
    new AudioRelay(from.leg, to.leg, 'x');
    for (let i = 0; i < 1000; i++) from.leg.events.emit('audio', frame(7));
    expect(to.drain()).toHaveLength(15);
    from.leg.events.emit('audio', frame(8));
    expect(to.drain()).toEqual([8]);
  });
});

describe('a bridge', () => {
  it('carries both voices and keys, until it is stopped', async () => {
    const clock = new VirtualClock();
    const [customer, target] = [new FakeLeg(clock), new FakeLeg(clock)];
    const keys: string[] = [];
    customer.sendDtmf = (digit?: string) => { keys.push(`customer ${digit}`); return Promise.resolve(); };
    target.sendDtmf = (digit?: string) => { keys.push(`target ${digit}`); return Promise.reject(new Error('on hold')); };
    const bridge = new Bridge(customer, target, silentLogger);
    await clock.advanceAsync(2_000);
    expect(Object.values(customer.sent).reduce((sum, n) => sum + n, 0)).toBeGreaterThan(14_000);
    expect(Object.values(target.sent).reduce((sum, n) => sum + n, 0)).toBeGreaterThan(14_000);
    customer.events.emit('dtmf', { digit: '5' });
    target.events.emit('dtmf', { digit: '#' });
    bridge.stop();
    target.events.emit('dtmf', { digit: '1' });
    expect(keys).toEqual(['target 5', 'customer #']);
  });
});

it('rings for as long as it takes', async () => {
  const clock = new VirtualClock();
  const leg = new FakeLeg(clock);
  const ringback = new Ringback(leg);
  await clock.advanceAsync(13_000);
  expect(Object.keys(leg.sent)).toEqual(['ringback-1', 'ringback-2', 'ringback-3']);
  ringback.stop();
  expect(leg.playing).toBe(false);
});
