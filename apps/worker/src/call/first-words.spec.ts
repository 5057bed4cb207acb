import type { LegEvents } from '@dialfleet/call';
import { Emitter } from '@dialfleet/kit';
import { expect, it } from '@jest/globals';
import { FirstWords } from './first-words.js';

it('hands over what was said and pressed before anybody listened, once and in order', () => {
  const events = new Emitter<LegEvents>();
  const held = new FirstWords({ events });
  events.emit('audio', { pcm: new Int16Array(1), offsetMs: 0 });
  events.emit('dtmf', { digit: '4' });
  events.emit('audio', { pcm: new Int16Array(1), offsetMs: 20 });
  const heard: (number | string)[] = [];
  events.on('audio', ({ offsetMs }) => { heard.push(offsetMs); });
  events.on('dtmf', ({ digit }) => { heard.push(digit); });
  held.release();
  events.emit('dtmf', { digit: '2' });
  held.release();
  expect(heard).toEqual([0, '4', 20, '2']);
});
