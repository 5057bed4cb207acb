import { uuidV7 } from '@dialfleet/kit';
import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { RecordingTokens } from './recording-tokens.js';

describe('recording tokens', () => {
  const tokens = new RecordingTokens(randomBytes(32));
  const sessionId = uuidV7();

  it('are stable and name their session', () => {
    expect(tokens.sign(sessionId)).toBe(tokens.sign(sessionId));
    expect(tokens.verify(tokens.sign(sessionId))).toBe(sessionId);
  });
  it('are worthless when altered or signed with another key', () => {
    const token = tokens.sign(sessionId);
    for (let i = 0; i < token.length - 1; i++) {
      const other = token[i] === 'A' ? 'B' : 'A';
      expect(tokens.verify(token.slice(0, i) + other + token.slice(i + 1))).toBeNull();
    }
    expect(new RecordingTokens(randomBytes(32)).verify(token)).toBeNull();
    expect(tokens.verify('')).toBeNull();
    expect(tokens.verify('../../etc/passwd')).toBeNull();
  });
});
