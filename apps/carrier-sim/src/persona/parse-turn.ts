import { DocumentReader, type DocumentIssue } from './document-reader.js';
import type { Act, Cue, Turn } from './persona.js';

const DEFAULT_SILENCE_MS = 700;
const DEFAULT_MAX_WAIT_MS = 20_000;
const LONGEST_WAIT_MS = 3_600_000;

const verbs = ['says', 'sends_dtmf', 'waits', 'waits_ms', 'beeps', 'hangs_up'] as const;
type Verb = (typeof verbs)[number];

const patience = ['silence_ms', 'max_wait_ms'];
const cueFields = ['when', 'interrupts_after_ms', ...patience];
/** What may stand beside each verb. */
const companions: Record<Verb, readonly string[]> =
  { says: cueFields, sends_dtmf: cueFields, waits: patience, waits_ms: [], beeps: [], hangs_up: [] };

const atOnce: Cue = { kind: 'after', ms: 0 };

/** Undefined, with an issue, when `value` is no turn at all. */
export function parseTurn(value: unknown, path: string, issues: DocumentIssue[]): Turn | undefined {
  const reader = DocumentReader.of(value, [...verbs, ...cueFields], path, issues);
  if (!reader) return undefined;
  const used = verbs.filter((verb) => reader.has(verb));
  const [verb] = used;
  if (verb === undefined || used.length > 1) {
    issues.push({ path, message: `must have exactly one of ${verbs.join(', ')}${used.length > 1 ? `, not ${used.join(' and ')}` : ''}` });
    return undefined;
  }
  for (const field of cueFields) {
    if (reader.has(field) && !companions[verb].includes(field)) reader.complain(field, `has no meaning beside ${verb}`);
  }
  return turnOf[verb](reader);
}

const turnOf: Record<Verb, (reader: DocumentReader) => Turn> = {
  says: (reader) => ({ cue: cueOf(reader), act: { kind: 'say', text: reader.text('says', { fallback: '', matches: /[A-Za-z0-9]/, shape: 'words to say' }) } }),
  sends_dtmf: (reader) => ({ cue: cueOf(reader), act: { kind: 'send_dtmf', digits: reader.text('sends_dtmf', { fallback: '', matches: /^[0-9A-D*#]+$/, shape: 'digits 0-9, A-D, * or #', maxChars: 64 }) } }),
  waits: (reader) => {
    const until = reader.oneOf('waits', ['bot_silent', 'bot_speaks'], 'bot_silent');
    return { cue: until === 'bot_silent' ? botSilent(reader) : botSpeaks(reader, 0), act: null };
  },
  waits_ms: (reader) => ({ cue: { kind: 'after', ms: reader.integer('waits_ms', { min: 0, max: LONGEST_WAIT_MS, fallback: 0 }) }, act: null }),
  beeps: (reader) => ({ cue: atOnce, act: beepOf(reader) }),
  hangs_up: (reader) => {
    if (reader.value('hangs_up') !== true) reader.complain('hangs_up', 'must be true');
    return { cue: atOnce, act: { kind: 'hang_up' } };
  },
};

function beepOf(reader: DocumentReader): Act {
  const tone = reader.object('beeps', ['frequency_hz', 'duration_ms']);
  return {
    kind: 'beep',
    frequencyHz: tone?.integer('frequency_hz', { min: 100, max: 3800, fallback: 1000 }) ?? 1000,
    durationMs: tone?.integer('duration_ms', { min: 20, max: 10_000, fallback: 400 }) ?? 400,
  };
}

function cueOf(reader: DocumentReader): Cue {
  if (reader.has('interrupts_after_ms')) {
    if (reader.has('when')) reader.complain('when', 'cannot stand beside interrupts_after_ms');
    return botSpeaks(reader, reader.integer('interrupts_after_ms', { min: 0, max: LONGEST_WAIT_MS, fallback: 0 }));
  }
  return reader.oneOf('when', ['bot_silent', 'at_once'], 'bot_silent') === 'at_once' ? atOnce : botSilent(reader);
}

const botSilent = (reader: DocumentReader): Cue => ({
  kind: 'bot_silent',
  silenceMs: reader.integer('silence_ms', { min: 100, max: 60_000, fallback: DEFAULT_SILENCE_MS }),
  maxWaitMs: maxWaitOf(reader),
});

const botSpeaks = (reader: DocumentReader, forMs: number): Cue => ({ kind: 'bot_speaks', forMs, maxWaitMs: maxWaitOf(reader) });

const maxWaitOf = (reader: DocumentReader): number =>
  reader.integer('max_wait_ms', { min: 0, max: LONGEST_WAIT_MS, fallback: DEFAULT_MAX_WAIT_MS });
