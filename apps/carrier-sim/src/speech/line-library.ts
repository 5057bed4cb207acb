import type { Pcm } from '@dialfleet/conversation';
import { linesOf, type Persona } from '../persona/persona.js';
import type { CustomerVoice, SpokenLine } from './customer-voice.js';

/** Below this peak the end of a line is silence: its end is then the end of the voice. */
const SILENCE_PEAK = 130;

export interface PreparationProgress { done: number; total: number; text: string }

/** Every line that customers may speak, synthesised once and shared by all calls. */
export class LineLibrary {
  private readonly lines = new Map<string, Pcm>();
  /** The preparation under way, if any: two calls never synthesise the same line twice. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly voice: CustomerVoice) {}

  /** Synthesises what the personas say and is not there yet, one line at a time. Rejects when a line cannot be spoken. */
  prepare(personas: readonly Persona[], onProgress: (progress: PreparationProgress) => void = () => undefined): Promise<void> {
    const prepared = this.last.then(() => this.synthesise(this.missingOf(personas), onProgress));
    this.last = prepared.catch(() => undefined);
    return prepared;
  }

  private async synthesise(missing: ReadonlyMap<string, SpokenLine>, onProgress: (progress: PreparationProgress) => void): Promise<void> {
    let done = 0;
    for (const [key, line] of missing) {
      this.lines.set(key, withoutTail(await this.voice.speak(line)));
      onProgress({ done: ++done, total: missing.size, text: line.text });
    }
  }

  private missingOf(personas: readonly Persona[]): Map<string, SpokenLine> {
    const missing = new Map<string, SpokenLine>();
    for (const persona of personas) {
      for (const text of linesOf(persona)) {
        const key = keyOf(text, persona);
        if (!this.lines.has(key)) missing.set(key, { text, voice: persona.voice, speed: persona.speed });
      }
    }
    return missing;
  }

  /** The line in the persona's voice; shared: not to be changed. */
  line(persona: Persona, text: string): Pcm {
    const pcm = this.lines.get(keyOf(text, persona));
    if (!pcm) throw new Error(`the line was not prepared: ${text}`);
    return pcm;
  }
}

const keyOf = (text: string, { voice, speed }: Persona): string => JSON.stringify([voice, speed, text]);

function withoutTail(pcm: Pcm): Pcm {
  let end = pcm.length;
  while (end > 0 && Math.abs(pcm[end - 1]) < SILENCE_PEAK) end--;
  return pcm.slice(0, end);
}
