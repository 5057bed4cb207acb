import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parsePersona, PersonaError } from './parse-persona.js';
import { builtInPersonaNames, loadPersona } from './persona-source.js';
import { linesOf } from './persona.js';

function issuesOf(document: unknown): string[] {
  try {
    parsePersona(document);
  } catch (error) {
    if (error instanceof PersonaError) return error.issues.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
}

describe('parsePersona', () => {
  it('fills in what is left out', () => {
    expect(parsePersona({ name: 'anna' })).toEqual({
      name: 'anna', description: '', voice: 'rms', speed: 1, turns: [], echoes: false,
      pickup: { kind: 'answers', afterMs: 1000, rings: true, earlyMedia: false },
    });
  });

  it('reads every kind of turn', () => {
    const { turns } = parsePersona({ name: 'x', turns: [
      { waits: 'bot_silent', silence_ms: 900 }, { waits: 'bot_speaks', max_wait_ms: 50 }, { says: 'Hi.' }, { says: 'No!', interrupts_after_ms: 300 },
      { says: 'Yes', when: 'at_once' }, { sends_dtmf: '12#' }, { waits_ms: 500 }, { beeps: {} }, { hangs_up: true },
    ] });
    expect(turns).toEqual([
      { cue: { kind: 'bot_silent', silenceMs: 900, maxWaitMs: 20_000 }, act: null },
      { cue: { kind: 'bot_speaks', forMs: 0, maxWaitMs: 50 }, act: null },
      { cue: { kind: 'bot_silent', silenceMs: 700, maxWaitMs: 20_000 }, act: { kind: 'say', text: 'Hi.' } },
      { cue: { kind: 'bot_speaks', forMs: 300, maxWaitMs: 20_000 }, act: { kind: 'say', text: 'No!' } },
      { cue: { kind: 'after', ms: 0 }, act: { kind: 'say', text: 'Yes' } },
      { cue: { kind: 'bot_silent', silenceMs: 700, maxWaitMs: 20_000 }, act: { kind: 'send_dtmf', digits: '12#' } },
      { cue: { kind: 'after', ms: 500 }, act: null },
      { cue: { kind: 'after', ms: 0 }, act: { kind: 'beep', frequencyHz: 1000, durationMs: 400 } },
      { cue: { kind: 'after', ms: 0 }, act: { kind: 'hang_up' } },
    ]);
  });

  it('reads a refusal and a phone that rings for ever', () => {
    expect(parsePersona({ name: 'x', refuses: { status: 503, after_ms: 100 } }).pickup).toEqual({ kind: 'refuses', status: 503, reason: null, afterMs: 100, rings: true });
    expect(parsePersona({ name: 'x', answers: false }).pickup).toEqual({ kind: 'never_answers' });
  });

  it.each<[string, unknown, string[]]>([
    ['not an object', [1], [': must be an object, not [1]']],
    ['no name', {}, ['name: is missing']],
    ['a name with blanks', { name: 'a b' }, ['name: must be letters, digits, - and _, not "a b"']],
    ['an unknown field', { name: 'x', turn: [] }, ['turn: is not known here (known: name, description, voice, speed, answers, refuses, turns, echoes)']],
    ['an unknown voice', { name: 'x', voice: 'bob' }, ['voice: must be one of slt, rms, awb, kal16, kal, not "bob"']],
    ['a turn that does two things', { name: 'x', turns: [{ says: 'a', waits_ms: 4 }] }, ['turns[0]: must have exactly one of says, sends_dtmf, waits, waits_ms, beeps, hangs_up, not says and waits_ms']],
    ['a turn that does nothing', { name: 'x', turns: [{ says: 'a' }, {}] }, ['turns[1]: must have exactly one of says, sends_dtmf, waits, waits_ms, beeps, hangs_up']],
    ['nothing to say', { name: 'x', turns: [{ says: '...' }] }, ['turns[0].says: must be words to say, not "..."']],
    ['keys that no telephone has', { name: 'x', turns: [{ sends_dtmf: '12x' }] }, ['turns[0].sends_dtmf: must be digits 0-9, A-D, * or #, not "12x"']],
    ['a field that does not fit the verb', { name: 'x', turns: [{ waits_ms: 5, when: 'at_once' }] }, ['turns[0].when: has no meaning beside waits_ms']],
    ['a tone above the telephone band', { name: 'x', turns: [{ beeps: { frequency_hz: 9000 } }] }, ['turns[0].beeps.frequency_hz: must be a whole number from 100 to 3800, not 9000']],
    ['turns after hanging up', { name: 'x', turns: [{ hangs_up: true }, { says: 'a' }] }, ['turns[1]: comes after hangs_up']],
    ['a refusal that talks', { name: 'x', refuses: { status: 486 }, turns: [{ says: 'a' }] }, ['turns: has no meaning: this customer never picks up']],
    ['a refusal with success', { name: 'x', refuses: { status: 200 } }, ['refuses.status: must be a whole number from 400 to 699, not 200']],
    ['a reason with a line break', { name: 'x', refuses: { status: 486, reason: 'a\r\nX: y' } }, ['refuses.reason: must be one line of ASCII, not "a\\r\\nX: y"']],
    ['two ways to pick up', { name: 'x', refuses: { status: 486 }, answers: {} }, ['answers: cannot stand beside refuses']],
    ['an echo with a script', { name: 'x', echoes: true, turns: [{ says: 'a' }] }, ['turns: cannot stand beside echoes']],
    ['many mistakes', { name: 'x', speed: 9, answers: { after_ms: -1, rings: 'yes' }, turns: 'no' }, [
      'speed: must be a number from 0.5 to 2, not 9', 'answers.after_ms: must be a whole number from 0 to 600000, not -1',
      'answers.rings: must be true or false, not "yes"', 'turns: must be a list, not "no"']],
  ])('tells where the mistake is: %s', (_what, document, issues) => {
    expect(issuesOf(document)).toEqual(issues);
  });

  it('lists the mistakes in its message', () => {
    expect(() => parsePersona({ name: 'x', turns: [{}], speed: 'fast' }, 'angry.json')).toThrow(
      'angry.json is not a valid persona:\n  speed must be a number from 0.5 to 2, not "fast"\n  turns[0] must have exactly one of');
  });

  it('either reads any JSON or throws a PersonaError', () => {
    const field = fc.constantFrom('name', 'voice', 'speed', 'answers', 'refuses', 'turns', 'echoes', '__proto__', 'after_ms', 'status', 'says', 'waits', 'beeps');
    const { node } = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof({ maxDepth: 4 }, fc.jsonValue({ maxDepth: 1 }), fc.array(tie('node'), { maxLength: 3 }), fc.dictionary(field, tie('node'), { maxKeys: 5 })),
    }));
    fc.assert(fc.property(node, (document) => { issuesOf(document); }), { numRuns: 400 });
  });
});

describe('the built-in personas', () => {
  it.each(builtInPersonaNames())('%s is valid, described and named after its file', (name) => {
    const persona = loadPersona(name);
    expect(persona.name).toBe(name);
    expect(persona.description).not.toBe('');
  });

  it('cover the ways a call can go', () => {
    expect(builtInPersonaNames()).toEqual(expect.arrayContaining(
      ['busy', 'callback', 'chatty', 'echo', 'hangs-up-early', 'no-answer', 'rejects', 'silent', 'unavailable', 'voicemail']));
    expect(linesOf(loadPersona('callback'))).toHaveLength(3);
  });

  it('are chosen by name; a wrong name lists the right ones', () => {
    expect(() => loadPersona('bussy')).toThrow(/"bussy" is not a valid persona:\n {2}it is neither built in \(busy, callback, .*\) nor a path/);
    expect(() => loadPersona('/nowhere/x.json')).toThrow(/cannot be read: .*ENOENT/);
  });
});
