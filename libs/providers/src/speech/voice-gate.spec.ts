import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { VoiceGate } from './voice-gate.js';

describe('voice gate', () => {
  it('lets nothing through in silence', () => {
    const gate = new VoiceGate<number>();
    for (let i = 0; i < 100; i++) expect(gate.admit(i, false)).toEqual([]);
  });

  it('shows what came just before a voice, then goes on through its pauses', () => {
    const gate = new VoiceGate<number>();
    for (let i = 0; i < 10; i++) gate.admit(i, false);
    expect(gate.admit(10, true)).toEqual([7, 8, 9, 10]);
    const after = Array.from({ length: 20 }, (_, i) => gate.admit(11 + i, false).length);
    expect(after).toEqual([...Array.from({ length: 14 }, () => 1), 0, 0, 0, 0, 0, 0]);
  });

  it('stays open while held', () => {
    const gate = new VoiceGate<number>();
    gate.admit(0, true);
    for (let i = 1; i < 50; i++) {
      expect(gate.admit(i, false)).toEqual([i]);
      gate.hold();
    }
  });

  it('never misses a voiced window, never shows one twice, keeps their order', () => {
    fc.assert(fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (voiced) => {
      const gate = new VoiceGate<number>();
      const shown = voiced.flatMap((voice, i) => gate.admit(i, voice));
      expect(shown).toEqual([...new Set(shown)].sort((a, b) => a - b));
      voiced.forEach((voice, i) => { if (voice) expect(shown).toContain(i); });
    }));
  });
});
