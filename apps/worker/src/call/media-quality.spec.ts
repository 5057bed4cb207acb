import { describe, expect, it } from '@jest/globals';
import type { LegMediaStats } from '@dialfleet/call';
import { mediaOnWire, qualityWarnings } from './media-quality.js';

const good: LegMediaStats = {
  packetsSent: 1000, packetsReceived: 1000, packetsLost: 10, packetsLateOrDuplicate: 0, jitterMs: 3.14159, packetsForeign: 0,
  packetsUnauthentic: 0, roundTripMs: 41.27, remotePacketsLost: 2, remoteJitterMs: 1.26, mos: 4.3456, codec: 'PCMU', srtp: true,
};

describe('media quality', () => {
  it('goes into the result under names of the wire', () => {
    expect(mediaOnWire(good)).toEqual({
      packets_sent: 1000, packets_received: 1000, packets_lost: 10, packets_late_or_duplicate: 0, jitter_ms: 3.1, packets_foreign: 0, packets_unauthentic: 0,
      round_trip_ms: 41.3, remote_packets_lost: 2, remote_jitter_ms: 1.3, mos: 4.35, codec: 'PCMU', srtp: true,
    });
    const bare: LegMediaStats = { packetsSent: 0, packetsReceived: 0, packetsLost: 0, packetsLateOrDuplicate: 0, jitterMs: 0, packetsForeign: 0 };
    expect(mediaOnWire(bare)).toMatchObject({ packets_unauthentic: 0, round_trip_ms: null, remote_packets_lost: null, remote_jitter_ms: null, mos: null, codec: null, srtp: false });
  });

  it('is silent about a good call, a very short one, and one whose far end reports nothing', () => {
    expect(qualityWarnings(good)).toEqual([]);
    expect(qualityWarnings({ ...good, packetsReceived: 10, packetsLost: 20, mos: 1.5, packetsSent: 20, remotePacketsLost: 10 })).toEqual([]);
    expect(qualityWarnings({ ...good, remotePacketsLost: null, mos: null })).toEqual([]);
  });

  it('warns of loss over 5 %, of a score under 3, and of what the far end did not get', () => {
    expect(qualityWarnings({ ...good, packetsReceived: 900, packetsLost: 100 })).toEqual(['poor audio from the far end: 10 % of packets lost, jitter 3 ms, MOS 4.3']);
    expect(qualityWarnings({ ...good, mos: 2.94 })).toEqual(['poor audio from the far end: 1 % of packets lost, jitter 3 ms, MOS 2.9']);
    expect(qualityWarnings({ ...good, remotePacketsLost: 80 })).toEqual(['the far end heard us poorly: 8 % of our packets lost, by its own count']);
  });
});
