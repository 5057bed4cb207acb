import { describe, expect, it } from '@jest/globals';
import type { CallOutcome } from '@dialfleet/call';
import { sampleOutcome } from '@dialfleet/delivery';
import fc from 'fast-check';
import { precedence, type Standing } from './outcome-precedence.js';

const real = sampleOutcome();
const lost: CallOutcome = { ...real, disconnectedBy: 'error', hangupReason: 'worker_lost' };
const cancelled: CallOutcome = { ...real, workerEpoch: 'other', disconnectedBy: 'RNR', hangupReason: 'cancelled', answeredAt: null };
const stored = (outcome: CallOutcome | null, amended = false): Standing => ({ state: 'ended', stored: { outcome, amended } });

describe('precedence of outcomes', () => {
  it.each<[string, Standing, CallOutcome, boolean, string]>([
    ['the first', { state: 'talking', stored: null }, real, false, 'store'],
    ['the settler\'s, where there is none', { state: 'talking', stored: null }, lost, true, 'store'],
    ['the same again', stored(real), real, false, 'ignore'],
    ['the settler\'s after a real one', stored(real), lost, true, 'ignore'],
    ['a real one after the settler\'s', stored(null), real, false, 'amend'],
    ['a real one after an amendment', stored(real, true), { ...real, workerEpoch: 'third' }, false, 'ignore'],
    ['the call that took place after a withdrawn claim', stored(cancelled), real, false, 'amend'],
    ['the withdrawn claim after the call that took place', stored(real), cancelled, false, 'ignore'],
    ['of a refused dialout that reached nobody', { state: 'refused', stored: null }, cancelled, false, 'ignore'],
    ['of a refused dialout that was answered all the same', { state: 'refused', stored: null }, real, false, 'store'],
    ['the settler\'s for a refused dialout', { state: 'refused', stored: null }, lost, true, 'ignore'],
  ])('%s', (_name, standing, outcome, settled, expected) => { expect(precedence(standing, outcome, settled)).toBe(expected); });

  it('gives one result and at most one amendment, whatever comes in whatever order', () => {
    const arrival = fc.record({ outcome: fc.constantFrom(real, cancelled, { ...real, workerEpoch: 'third' }), settled: fc.boolean() });
    fc.assert(fc.property(fc.array(arrival, { minLength: 1 }), (arrivals) => {
      let standing: Standing = { state: 'talking', stored: null };
      const steps = arrivals.map(({ outcome, settled }) => {
        const step = precedence(standing, outcome, settled);
        if (step === 'store') standing = stored(settled ? null : outcome);
        if (step === 'amend') standing = stored(outcome, true);
        return step;
      });
      expect(steps.filter((step) => step === 'store')).toHaveLength(1);
      expect(steps[0]).toBe('store');
      expect(steps.filter((step) => step === 'amend').length).toBeLessThanOrEqual(1);
    }));
  });
});
