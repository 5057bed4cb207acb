import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { referTarget } from './incoming-refer.js';
import { sipfragStatus } from './refer.js';
import { referSent, referStep, type ReferInput } from './refer-progress.js';

const run = (...inputs: ReferInput[]) => {
  let state = referSent;
  const progress: number[] = [];
  const outcomes = inputs.flatMap((input) => {
    const step = referStep(state, input);
    state = step.state;
    if (step.progress !== undefined) progress.push(step.progress);
    return step.outcome ? [step.outcome] : [];
  });
  return { progress, outcomes };
};
const notified = (sipStatus?: number, terminated = false): ReferInput => ({ type: 'notified', sipStatus, terminated });

describe('a REFER of ours', () => {
  it('follows what NOTIFY tells', () => {
    expect(run({ type: 'accepted' }, notified(100), notified(180), notified(200, true))).toEqual({ progress: [100, 180, 200], outcomes: [{ ok: true }] });
    expect(run({ type: 'accepted' }, notified(180), notified(486, true))).toEqual({ progress: [180], outcomes: [{ ok: false, sipStatus: 486, reason: 'the target answered 486' }] });
  });

  it('does not mind a NOTIFY before its 202', () => {
    expect(run(notified(100), { type: 'accepted' }, notified(200)).outcomes).toEqual([{ ok: true }]);
  });

  it('is done when the far end leaves after it took it', () => {
    expect(run({ type: 'accepted' }, { type: 'left' }).outcomes).toEqual([{ ok: true }]);
    expect(run({ type: 'accepted' }, notified(100, true), { type: 'left' }).outcomes).toEqual([{ ok: true }]);
    expect(run({ type: 'left' }).outcomes).toMatchObject([{ ok: false }]);
  });

  it('tells a refusal, a far end that ignores it, and a target that never answers apart', () => {
    expect(run({ type: 'refused', sipStatus: 405, reason: 'x' }).outcomes).toEqual([{ ok: false, sipStatus: 405, reason: 'x' }]);
    expect(run({ type: 'timedOut' }).outcomes).toMatchObject([{ ok: false, sipStatus: null }]);
    expect(run({ type: 'accepted' }, { type: 'timedOut' }).outcomes).toMatchObject([{ ok: false, sipStatus: null }]);
    expect(run({ type: 'accepted' }, notified(180), { type: 'timedOut' }).outcomes).toMatchObject([{ ok: false, sipStatus: 408 }]);
  });

  it('has one outcome at most, whatever comes', () => {
    const input = fc.oneof(fc.constantFrom<ReferInput>({ type: 'accepted' }, { type: 'left' }, { type: 'timedOut' }, { type: 'refused', sipStatus: 603, reason: '' }),
      fc.record({ type: fc.constant('notified' as const), sipStatus: fc.option(fc.integer({ min: 100, max: 699 }), { nil: undefined }), terminated: fc.boolean() }));
    fc.assert(fc.property(fc.array(input), (inputs) => { expect(run(...inputs, { type: 'timedOut' }).outcomes).toHaveLength(1); }));
  });
});

it('reads the status of a sipfrag', () => {
  expect(sipfragStatus('message/sipfrag;version=2.0', 'SIP/2.0 180 Ringing\r\n')).toBe(180);
  expect(sipfragStatus('message/sipfrag', 'SIP/2.0 999 No\r\n')).toBeUndefined();
  expect(sipfragStatus('text/plain', 'SIP/2.0 200 OK')).toBeUndefined();
});

describe('the target of a REFER', () => {
  const target = (...values: string[]) => referTarget({ getHeaders: (name: string) => (name === 'refer-to' ? values : []), getHeader: () => values[0] });

  it('is the user that Refer-To names', () => {
    expect(target('<sip:+14155550100@pbx.example;user=phone>')).toBe('+14155550100');
    expect(target('"Sales, 2nd" <sips:%2B1415@h>')).toBe('+1415');
    expect(target('sip:200@pbx.example')).toBe('200');
    expect(target('<tel:+14155550100;phone-context=x>')).toBe('+14155550100');
  });

  it('is nothing where another call, another method, or nobody is meant', () => {
    expect(target('<sip:200@h?Replaces=abc%3Bto-tag%3D1>')).toBeUndefined();
    expect(target('<sip:200@h;method=BYE>')).toBeUndefined();
    expect(target('<sip:pbx.example>')).toBeUndefined();
    expect(target('<http://x>')).toBeUndefined();
    expect(target()).toBeUndefined();
    expect(target('<sip:1@h>', '<sip:2@h>')).toBeUndefined();
  });

  it('never throws', () => { fc.assert(fc.property(fc.string(), (text) => { referTarget({ getHeaders: () => [text], getHeader: () => text }); })); });
});
