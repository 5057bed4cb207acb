import { describe, expect, it } from '@jest/globals';
import { type MediaSource, SourceLatch } from './source-latch.js';

const sdp: MediaSource = { address: '192.0.2.1', port: 4000 };
const nat: MediaSource = { address: '198.51.100.7', port: 61_000 };
const stranger: MediaSource = { address: '203.0.113.9', port: 5000 };

const latchOn = (remote: MediaSource): SourceLatch => {
  const latch = new SourceLatch();
  latch.setSignalled(remote);
  return latch;
};
const offers = (latch: SourceLatch, source: MediaSource, sequenceNumbers: readonly number[], ssrc = 1): string[] =>
  sequenceNumbers.map((n) => latch.judge(source, ssrc, n));

describe('SourceLatch', () => {
  it('has nowhere to send and nobody to hear before signalling', () => {
    const latch = new SourceLatch();
    expect(latch.destination).toBeNull();
    expect(offers(latch, nat, [1, 2, 3, 4, 5])).not.toContain('accepted');
  });

  it('sends to the address of the SDP and believes it at once', () => {
    const latch = latchOn(sdp);
    expect(latch.destination).toEqual(sdp);
    expect(offers(latch, sdp, [7])).toEqual(['accepted']);
    expect(offers(latch, stranger, [1, 2, 3, 4])).toEqual(['foreign', 'foreign', 'foreign', 'foreign']);
    expect(latch.destination).toEqual(sdp);
  });

  it('latches a source behind NAT after three packets in sequence, across the wrap', () => {
    const latch = latchOn(sdp);
    expect(offers(latch, nat, [65_535, 0, 1, 2])).toEqual(['candidate', 'candidate', 'accepted', 'accepted']);
    expect(latch.destination).toEqual(nat);
    expect(offers(latch, stranger, [1])).toEqual(['foreign']);
  });

  it('does not latch on noise: random numbers or another SSRC each time', () => {
    const latch = latchOn(sdp);
    expect(offers(latch, stranger, [5, 900, 20, 20, 20])).not.toContain('accepted');
    expect([1, 2, 3, 4].map((n) => latch.judge(nat, n, n))).not.toContain('accepted');
  });

  it('returns to the SDP address when it speaks after all', () => {
    const latch = latchOn(sdp);
    offers(latch, stranger, [1, 2, 3]);
    expect(offers(latch, sdp, [50])).toEqual(['accepted']);
    expect(latch.destination).toEqual(sdp);
    expect(offers(latch, stranger, [4])).toEqual(['foreign']);
  });

  it('keeps the latch over an unchanged SDP and drops it with another', () => {
    const latch = latchOn(sdp);
    offers(latch, nat, [1, 2, 3]);
    latch.setSignalled({ ...sdp });
    expect(latch.destination).toEqual(nat);
    latch.setSignalled({ ...sdp, port: 4002 });
    expect(latch.destination).toEqual({ ...sdp, port: 4002 });
    expect(offers(latch, nat, [4])).toEqual(['candidate']);
  });

  it('lets a flood of sources neither fill memory nor keep the SDP address out', () => {
    const latch = latchOn(sdp);
    for (let port = 1; port < 2000; port++) latch.judge({ address: stranger.address, port }, port, 1);
    expect(offers(latch, sdp, [1])).toEqual(['accepted']);
  });
});
