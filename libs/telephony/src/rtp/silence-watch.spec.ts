import { describe, expect, it } from '@jest/globals';
import { SilenceWatch } from './silence-watch.js';

const newWatch = (): SilenceWatch => new SilenceWatch({ firstPacketTimeoutMs: 30_000, mediaTimeoutMs: 15_000 });

describe('SilenceWatch', () => {
  it('says nothing while no media is expected', () => {
    const watch = newWatch();
    expect(watch.check(1_000_000)).toBeNull();
    watch.packetCame(1_000_000);
    expect(watch.check(2_000_000)).toBeNull();
  });

  it('waits longer for the first packet, and reports once', () => {
    const watch = newWatch();
    watch.expect(true, 1000);
    watch.expect(true, 20_000);
    expect([watch.check(30_999), watch.check(31_000), watch.check(31_020)]).toEqual([null, 30_000, null]);
  });

  it('knows the first packet, waits less for the next, and reports each silence', () => {
    const watch = newWatch();
    watch.expect(true, 0);
    expect([watch.packetCame(100), watch.packetCame(120)]).toEqual([true, false]);
    expect([watch.check(15_119), watch.check(15_120)]).toEqual([null, 15_000]);
    watch.packetCame(20_000);
    expect([watch.check(30_000), watch.check(35_000)]).toEqual([null, 15_000]);
  });

  it('starts again after a hold', () => {
    const watch = newWatch();
    watch.expect(true, 0);
    watch.packetCame(10);
    watch.expect(false, 5000);
    expect(watch.check(60_000)).toBeNull();
    watch.expect(true, 60_000);
    expect([watch.check(74_999), watch.check(75_000)]).toEqual([null, 15_000]);
  });
});
