import { describe, expect, it } from '@jest/globals';
import { parsePersona } from '../persona/parse-persona.js';
import type { SpokenLine } from './customer-voice.js';
import { LineLibrary } from './line-library.js';

const anna = parsePersona({ name: 'anna', voice: 'slt', turns: [{ says: 'Hello.' }, { says: 'Bye.' }, { says: 'Hello.' }] });
const bob = parsePersona({ name: 'bob', turns: [{ says: 'Hello.' }] });

function library(pcm = Int16Array.of(0, 500, 900, 3, 0)): { lines: LineLibrary; spoken: SpokenLine[] } {
  const spoken: SpokenLine[] = [];
  const speak = (line: SpokenLine): Promise<Int16Array> => { spoken.push(line); return Promise.resolve(pcm); };
  return { spoken, lines: new LineLibrary({ speak, close: () => Promise.resolve() }) };
}

describe('LineLibrary', () => {
  it('synthesises each line once a voice, telling how far it is', async () => {
    const { lines, spoken } = library();
    const progress: string[] = [];
    await lines.prepare([anna, bob], ({ done, total, text }) => progress.push(`${done}/${total} ${text}`));
    await lines.prepare([bob]);
    expect(progress).toEqual(['1/3 Hello.', '2/3 Bye.', '3/3 Hello.']);
    expect(spoken).toEqual([{ text: 'Hello.', voice: 'slt', speed: 1 }, { text: 'Bye.', voice: 'slt', speed: 1 }, { text: 'Hello.', voice: 'rms', speed: 1 }]);
  });

  it('prepares a line once for two calls that come together', async () => {
    const { lines, spoken } = library();
    await Promise.all([lines.prepare([bob]), lines.prepare([bob])]);
    expect(spoken).toHaveLength(1);
  });

  it('gives the line without the silence after it', async () => {
    const { lines } = library();
    await lines.prepare([bob]);
    expect(lines.line(bob, 'Hello.')).toEqual(Int16Array.of(0, 500, 900));
    expect(() => lines.line(anna, 'Hello.')).toThrow('was not prepared');
  });

  it('passes on that a line cannot be spoken', async () => {
    const lines = new LineLibrary({ speak: () => Promise.reject(new Error('no voice')), close: () => Promise.resolve() });
    await expect(lines.prepare([bob])).rejects.toThrow('no voice');
  });
});
