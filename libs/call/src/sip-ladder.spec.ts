import { describe, expect, it } from '@jest/globals';
import { ladderLine, renderLadder, type LadderMessage } from './sip-ladder.js';

const message = (second: number, change: Partial<LadderMessage>): LadderMessage => ({
  at: new Date(Date.UTC(2026, 0, 5, 10, 0, second)).toISOString(), direction: 'sent', transport: 'UDP', peer: '192.0.2.1:5060',
  startLine: 'INVITE sip:b@example.com SIP/2.0', headers: 'Via: x\nCSeq: 1 INVITE', ...change,
});

describe('a ladder as text', () => {
  it('draws who said what and when, then tells it whole', () => {
    const text = renderLadder([
      message(0, { sdp: 'v=0', repeated: 2 }), message(1, { direction: 'received', startLine: 'SIP/2.0 486 Busy Here' }), message(1, { startLine: 'ACK sip:b@example.com SIP/2.0', omittedBefore: 3 }),
    ].map(ladderLine));
    expect(text.split('\n').slice(0, 6)).toEqual([
      '          us                                            192.0.2.1:5060',
      '  +0.000s |-- INVITE (SDP) ---------------------------->|  repeated 2 times',
      '  +1.000s |<- 486 Busy Here ----------------------------|',
      '             … 3 messages not kept …',
      '  +1.000s |-- ACK ------------------------------------->|',
      '',
    ]);
    expect(text).toContain('--- 2. 2026-01-05T10:00:01.000Z received from 192.0.2.1:5060 (UDP)\nSIP/2.0 486 Busy Here\nVia: x\nCSeq: 1 INVITE\n');
    expect(text).toContain('INVITE sip:b@example.com SIP/2.0\nVia: x\nCSeq: 1 INVITE\n\nv=0\n');
  });

  it('names the other side of each arrow where there are several', () => {
    expect(renderLadder([message(0, {}), message(1, { peer: '192.0.2.2:5060' })].map(ladderLine))).toMatch(/\|--.*>\| {2}192\.0\.2\.2:5060/);
  });

  it('says so when there is none', () => { expect(renderLadder([])).toBe('No SIP message of this call is known.\n'); });

  it('tells how the call ended, also when nothing was sent', () => {
    expect(renderLadder([], 'error, trunk_failed: no such host')).toBe('No SIP message of this call is known.\nEnded: error, trunk_failed: no such host\n');
    expect(renderLadder([message(0, {})].map(ladderLine), 'RNR, no_answer').split('\n')[2]).toBe('Ended: RNR, no_answer');
  });
});
