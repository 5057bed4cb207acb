import { describe, expect, it } from '@jest/globals';
import { asksToStop, isBackChannel, isListeningSound, joinTexts, looksUnfinished, wordCount } from './utterance-text.js';

describe('utterance text', () => {
  it.each(['Mhmm.', 'Okay.', 'yeah', 'Uh-huh', 'Yeah, okay, right.', 'I see'])('"%s" is a back-channel', (text) => { expect(isBackChannel(text)).toBe(true); });
  it.each(['Yes, but not on Friday', 'No', 'Call me later', 'Okay stop it'])('"%s" is not', (text) => { expect(isBackChannel(text)).toBe(false); });
  it('knows mere sounds from short answers', () => {
    expect(isListeningSound('Mm-hmm')).toBe(true);
    expect(isListeningSound('Yeah')).toBe(false);
  });
  it.each(['Stop.', 'Wait, wait', 'No, hold on', 'Please stop'])('"%s" stops the bot', (text) => { expect(asksToStop(text)).toBe(true); });
  it('does not see a stop in a sentence about stopping', () => { expect(asksToStop('the bus stop')).toBe(false); });
  it.each([['My number is', false], ['I would like to come on', false], ['Four one five', true], ['415, 555', true], ['Yes, and', false]])('"%s" may go on', (text, long) => {
    expect(looksUnfinished(text, long)).toBe(true);
  });
  it.each([['Yes.', false], ['On Friday', false], ['4 1 5 5 5 5 0 1 2 3', true], ['My number is 4155550123.', true], ['At five', false], ['What is your number?', false], ['I', false], ['Goodbye then.', false], ['Yes, I would', false], ['Please hold on.', false], ['Wrong number', false]])('"%s" is whole', (text, long) => {
    expect(looksUnfinished(text, long)).toBe(false);
  });
  it('joins two parts of a turn', () => {
    expect(joinTexts('My number is,', 'four one five')).toBe('My number is four one five');
    expect(joinTexts('', 'yes')).toBe('yes');
    expect(joinTexts('Yes.', '')).toBe('Yes.');
    expect(wordCount('Four one-five!')).toBe(3);
  });
});
