import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { callTransitions, transition, type CallEvent, type CallState } from './call-machine.js';

const states = Object.keys(callTransitions) as CallState[];
const eventTypes: CallEvent['type'][] = ['provisional', 'answered', 'finalFailure', 'ringTimeout', 'cancelled', 'fault', 'humanDetected',
  'machineDetected', 'botHangUp', 'transferred', 'bridged', 'remoteHangUp', 'maxDuration', 'silence', 'released'];
const nextOf = (state: CallState): CallState[] => [...new Set(Object.values(callTransitions[state]) as CallState[])];

function reachableFrom(start: CallState[]): Set<CallState> {
  const seen = new Set(start);
  const todo = [...start];
  for (let state = todo.pop(); state; state = todo.pop()) for (const next of nextOf(state)) if (!seen.has(next)) { seen.add(next); todo.push(next); }
  return seen;
}

describe('the call machine', () => {
  it('reaches every state from its two beginnings', () => {
    expect([...reachableFrom(['offered', 'dialling'])].sort()).toEqual([...states].sort());
  });

  it('lets every state reach the end', () => {
    for (const state of states) expect(reachableFrom([state])).toContain('ended');
  });

  it('never moves out of ended', () => {
    for (const type of eventTypes) expect(transition('ended', type)).toEqual({ state: 'ended', effects: [], legal: false });
  });

  it('hangs up a 200 that crosses our CANCEL', () => {
    expect(transition('ringing', 'ringTimeout')).toMatchObject({ state: 'ending', effects: ['releaseLeg'] });
    expect(transition('ending', 'answered')).toMatchObject({ state: 'ending', effects: ['hangUpAnswered'] });
  });

  it('leaves the conversation once when the customer is bridged, and ends as transferred', () => {
    expect(transition('talking', 'bridged')).toMatchObject({ state: 'bridged', effects: ['leaveConversation'] });
    expect(transition('bridged', 'silence').legal).toBe(false);
    expect(transition('bridged', 'transferred')).toMatchObject({ state: 'ending', effects: ['releaseLeg'] });
  });

  it('finishes exactly once and starts at most one conversation, whatever the order of events', () => {
    fc.assert(fc.property(fc.constantFrom<CallState>('dialling', 'offered'), fc.array(fc.constantFrom(...eventTypes), { maxLength: 40 }), (beginning, events) => {
      let state = beginning;
      const effects: string[] = [];
      for (const type of events) { const step = transition(state, type); state = step.state; effects.push(...step.effects); }
      expect(effects.filter((e) => e === 'finish').length).toBe(state === 'ended' ? 1 : 0);
      expect(effects.filter((e) => e === 'startConversation').length).toBeLessThanOrEqual(1);
      expect(effects.filter((e) => e === 'releaseLeg').length).toBeLessThanOrEqual(1);
    }));
  });
});
