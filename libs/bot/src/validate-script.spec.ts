import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { appointmentReminder } from './example-scripts.js';
import { defaultScript } from './script.js';
import { validateScript } from './validate-script.js';

const ask = (name: string, next: string, more: object = {}): object => ({ name, say: `${name}?`, expect: [{ intent: 'yes', next }], ...more });
const errorsOf = (input: unknown): string[] => {
  const result = validateScript(input);
  return result.ok ? [] : result.errors.map(({ path, message }) => `${path}: ${message}`);
};

describe('validateScript', () => {
  it('accepts the scripts that come with the product', () => {
    expect(validateScript(defaultScript)).toEqual({ ok: true, script: defaultScript });
    expect(validateScript(JSON.parse(JSON.stringify(appointmentReminder)))).toEqual({ ok: true, script: appointmentReminder });
  });

  it('reads the wire name of the number of reprompts', () => {
    const result = validateScript({ steps: [ask('a', 'end', { max_reprompts: 3 })] });
    expect(result).toMatchObject({ ok: true, script: { steps: [{ maxReprompts: 3 }] } });
    expect(JSON.stringify(result)).not.toContain('max_reprompts');
  });

  it.each<[string, unknown, string[]]>([
    ['no object', 'hello', [': must be an object']],
    ['no steps', {}, ['steps: must be an array']],
    ['empty', { steps: [] }, ['steps: must have at least one step']],
    ['unknown fields', { steps: [ask('a', 'end', { colour: 'red' })], extra: 1 }, ['extra: is not a known field', 'steps[0].colour: is not a known field']],
    ['a bad name', { steps: [ask('1 a', 'end')] }, ['steps[0].name: must begin with a letter and have only letters, digits and "_", at most 64']],
    ['a step called end', { steps: [ask('end', 'end')] }, ['steps[0].name: "end" ends the script and cannot be the name of a step']],
    ['unknown next', { steps: [ask('a', 'b')] }, ['steps[0].expect[0].next: there is no step "b"']],
    ['unknown otherwise and start', { start: 'x', steps: [ask('a', 'end', { otherwise: 'y' })] }, ['start: there is no step "x"', 'steps[0].otherwise: there is no step "y"']],
    ['unknown global next', { steps: [ask('a', 'end')], global: { agent: { say: 'Hold on.', next: 'q' } } }, ['global.agent.next: there is no step "q"']],
    ['unknown global', { steps: [ask('a', 'end')], global: { sing: null } }, ['global.sing: is not a known field']],
    ['duplicates', { steps: [ask('a', 'end'), ask('a', 'end')] }, ['steps[1].name: "a" is already the name of steps[0]']],
    ['dead steps', { steps: [ask('a', 'end'), ask('b', 'end')] }, ['steps[1]: no path leads to "b"']],
    ['endless talk', { steps: [{ name: 'a', say: 'A.', next: 'b' }, { name: 'b', say: 'B.', next: 'a' }] }, [
      'steps[0].next: a → b → a never lets the customer speak', 'steps[1].next: b → a → b never lets the customer speak']],
    ['a statement without next', { steps: [{ name: 'a', say: 'A.' }] }, ['steps[0]: expects nothing, so it must say what is "next" ("end" to finish)']],
    ['next beside expect', { steps: [ask('a', 'end', { next: 'end' })] }, ['steps[0].next: is only for a step that expects nothing: each expectation has its own']],
    ['a bad slot type', { steps: [{ name: 'a', say: '', expect: [{ slot: 's', type: 'colour', next: 'end' }] }] }, [
      'steps[0].expect[0].type: must be one of date, time, datetime, number, phone_number, yes_no, text']],
    ['bad reprompts', { steps: [ask('a', 'end', { maxReprompts: -1 })] }, ['steps[0].maxReprompts: must be a whole number from 0 to 10']],
    ['a bad faq', { steps: [ask('a', 'end')], faq: [{ examples: [], answer: ' ' }] }, ['faq[0].examples: must have at least one example', 'faq[0].answer: must not be empty']],
    ['a wrong hint', { steps: [ask('a', 'end', { hints: ['x', 3] })] }, ['steps[0].hints[1]: must be a string']],
  ])('%s', (_, input, errors) => { expect(errorsOf(input)).toEqual(errors); });

  it('finds a loop of statements behind a question', () => {
    const errors = errorsOf({ steps: [ask('q', 'a'), { name: 'a', say: 'A.', next: 'a' }] });
    expect(errors).toEqual(['steps[1].next: a → a never lets the customer speak']);
  });

  it('never throws, and never accepts what is no script', () => {
    fc.assert(fc.property(fc.anything(), (input) => { expect(validateScript(input).ok).toBe(false); }));
    fc.assert(fc.property(fc.record({ steps: fc.array(fc.record({ name: fc.string(), say: fc.anything(), expect: fc.anything() }, { requiredKeys: [] })), start: fc.anything() }, { requiredKeys: [] }),
      (input) => { const result = validateScript(input); if (result.ok) expect(result.script.steps.length).toBeGreaterThan(0); }));
  });
});
