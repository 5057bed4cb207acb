import { beforeEach, describe, expect, it } from '@jest/globals';
import { VirtualClock } from '@dialfleet/kit';
import { Retransmitter } from './retransmitter.js';
import type { Hop } from './sip-socket.js';
import { scanMessage, type WireMessage } from '../message/wire.js';

const udp: Hop = { transport: 'udp', address: '10.0.0.9', port: 5060, hostname: '10.0.0.9' };
function message(startLine: string, cseqMethod: string, branch = 'z9hG4bKa'): WireMessage {
  const scanned = scanMessage(`${startLine}\r\nVia: SIP/2.0/UDP h;branch=${branch}\r\nCSeq: 1 ${cseqMethod}\r\n\r\n`);
  if (!scanned) throw new Error('not scanned');
  return scanned;
}
const request = (method: string): WireMessage => message(`${method} sip:x SIP/2.0`, method);
const response = (status: number, method: string): WireMessage => message(`SIP/2.0 ${status} X`, method);

describe('Retransmitter', () => {
  let clock: VirtualClock;
  let to: Hop;
  let sentAtMs: number[];
  let unanswered: Hop[];
  let retransmitter: Retransmitter;
  const start = (reliable: boolean): void => {
    clock = new VirtualClock();
    sentAtMs = [];
    unanswered = [];
    to = { ...udp, transport: reliable ? 'tcp' : 'udp' };
    retransmitter = new Retransmitter(clock, () => sentAtMs.push(clock.monotonicMs()), (hop) => unanswered.push(hop));
  };
  beforeEach(() => start(false));

  it('repeats an INVITE with doubling intervals up to 64·T1 (timer A)', () => {
    retransmitter.requestSent(request('INVITE'), to);
    clock.advance(120_000);
    expect(sentAtMs).toEqual([500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    expect(retransmitter.size).toBe(0);
  });

  it('stops repeating an INVITE at the first provisional response, and still knows where it went', () => {
    retransmitter.requestSent(request('INVITE'), to);
    clock.advance(600);
    retransmitter.responseReceived(response(100, 'INVITE'));
    clock.advance(60_000);
    expect(sentAtMs).toEqual([500]);
    expect(retransmitter.inviteDestination('z9hG4bKa')).toEqual(to);
  });

  it('repeats other requests every T2 at most, at once from T2 after a provisional (timer E)', () => {
    retransmitter.requestSent(request('BYE'), to);
    clock.advance(9_000);
    expect(sentAtMs).toEqual([500, 1_500, 3_500, 7_500]);
    start(false);
    retransmitter.requestSent(request('BYE'), to);
    clock.advance(100);
    retransmitter.responseReceived(response(100, 'BYE'));
    clock.advance(9_000);
    expect(sentAtMs).toEqual([500, 4_500, 8_500]);
  });

  it.each([['INVITE', 200], ['INVITE', 486], ['BYE', 200]])('stops on the final answer to %s %d', (method, status) => {
    retransmitter.requestSent(request(method), to);
    retransmitter.responseReceived(response(status, method));
    clock.advance(60_000);
    expect(sentAtMs).toEqual([]);
    expect(retransmitter.size).toBe(0);
  });

  it('knows for 32 s where the ACK to a refusal goes', () => {
    retransmitter.requestSent(request('INVITE'), to);
    retransmitter.responseReceived(response(486, 'INVITE'));
    clock.advance(31_000);
    expect(retransmitter.inviteDestination('z9hG4bKa')).toEqual(to);
    clock.advance(2_000);
    expect(retransmitter.inviteDestination('z9hG4bKa')).toBeUndefined();
  });

  it('keeps CANCEL and INVITE of one branch apart', () => {
    retransmitter.requestSent(request('INVITE'), to);
    retransmitter.responseReceived(response(180, 'INVITE'));
    retransmitter.requestSent(request('CANCEL'), to);
    retransmitter.responseReceived(response(200, 'CANCEL'));
    expect(retransmitter.inviteDestination('z9hG4bKa')).toEqual(to);
  });

  it('repeats a refusal until its ACK (timer G), and is not started twice', () => {
    retransmitter.refusalSent(response(486, 'INVITE'), to);
    clock.advance(1_000);
    retransmitter.refusalSent(response(486, 'INVITE'), to);
    clock.advance(3_000);
    expect(sentAtMs).toEqual([500, 1_500, 3_500]);
    retransmitter.ackReceived('z9hG4bKa');
    clock.advance(60_000);
    expect(sentAtMs).toHaveLength(3);
  });

  it('gives up a refusal that nobody acknowledges (timer H)', () => {
    retransmitter.refusalSent(response(486, 'INVITE'), to);
    clock.advance(120_000);
    expect(sentAtMs.at(-1)).toBeLessThan(32_000);
    expect(retransmitter.size).toBe(0);
  });

  it('repeats nothing on a reliable transport, and forgets an INVITE that was never answered, with a word about it', () => {
    start(true);
    retransmitter.requestSent(request('INVITE'), to);
    clock.advance(31_999);
    expect([retransmitter.inviteDestination('z9hG4bKa'), retransmitter.size, unanswered]).toEqual([to, 1, []]);
    clock.advance(1);
    expect([sentAtMs, retransmitter.size, unanswered]).toEqual([[], 0, [to]]);
  });

  it('remembers an INVITE on a reliable transport for as long as it rings', () => {
    start(true);
    retransmitter.requestSent(request('INVITE'), to);
    retransmitter.responseReceived(response(180, 'INVITE'));
    clock.advance(120_000);
    expect(retransmitter.inviteDestination('z9hG4bKa')).toEqual(to);
    expect(retransmitter.pendingTo(() => true)).toMatchObject([{ branch: 'z9hG4bKa', method: 'INVITE', answered: true }]);
    retransmitter.forgetInvite('z9hG4bKa');
    expect([retransmitter.size, unanswered]).toEqual([0, []]);
  });

  it('forgets everything when stopped', () => {
    retransmitter.requestSent(request('INVITE'), to);
    retransmitter.refusalSent(response(486, 'INVITE'), to);
    retransmitter.stop();
    clock.advance(60_000);
    expect([sentAtMs, retransmitter.size]).toEqual([[], 0]);
  });
});
