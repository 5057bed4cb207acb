import { describe, expect, it } from '@jest/globals';
import { audioCodecs, audioCodecsOf } from './audio-codecs.js';

describe('audioCodecsOf', () => {
  it('keeps the trunk\'s order and falls back to G.711', () => {
    expect(audioCodecsOf(['opus', 'iLBC', 'G722', 'PCMU'])).toEqual(['opus', 'G722', 'PCMU']);
    expect(audioCodecsOf(['iLBC', 'constructor'])).toEqual(['PCMU', 'PCMA']);
  });

  it('every codec makes 20 ms packets, and none longer than what the far end may ask for', () => {
    for (const { packetDurationsMs } of Object.values(audioCodecs)) {
      expect(packetDurationsMs).toContain(20);
      expect(Math.max(...packetDurationsMs)).toBe(60);
    }
  });
});
