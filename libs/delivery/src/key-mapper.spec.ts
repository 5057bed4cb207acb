import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mapBody, type KeyMapper } from './key-mapper.js';
import { validateMapper } from './mapper-validation.js';
import { pushScope } from './push-scope.js';
import { sampleOutcome, sampleResult } from './sample-call.js';

const scope = pushScope(sampleResult(), { customer_id: 'C-1001', tier: '3', tags: '["a","b"]', sneaky: '","admin":true,"x":"{{call.session_id}}' }, Date.UTC(2026, 0, 5, 10), 'Europe/Berlin');
const mapped = (mapper: KeyMapper): unknown => JSON.parse(JSON.stringify(mapBody(mapper, scope).body));
const unresolved = (mapper: KeyMapper): string[] => mapBody(mapper, scope).unresolved;

describe('key mapper', () => {
  it('maps the contract\'s example', () => {
    expect(mapped({ lead_id: '{{crm.customer_id}}', disposition: '{{analysis.disposition}}', duration: '{{result.call_duration_seconds}}', source: 'voicebot' }))
      .toEqual({ lead_id: 'C-1001', disposition: 'callback_requested', duration: 42.5, source: 'voicebot' });
  });
  it('keeps the JSON type of a whole template and makes text of mixed ones', () => {
    expect(mapped({ turns: '{{result.transcript}}', analysis: '{{result.post_call_analysis}}', none: '{{result.transferred_to}}', moved: '{{ result.was_transferred }}', text: '{{result.call_duration_seconds}} s', to: 'to: {{result.transferred_to}}' }))
      .toEqual({ turns: sampleResult().transcript, analysis: sampleResult().post_call_analysis, none: null, moved: false, text: '42.5 s', to: 'to: ' });
  });
  it('nests dotted targets, and joins them with nested objects', () => {
    expect(mapped({ 'lead.id': '{{crm.customer_id}}', 'lead.call.id': '{{call.session_id}}', lead: { source: 'bot', 'call.at': '{{system.date}}' } }))
      .toEqual({ lead: { id: 'C-1001', call: { id: sampleOutcome().sessionId, at: '2026-01-05' }, source: 'bot' } });
  });
  it('takes constants and arrays', () => {
    expect(mapped({ n: 1, f: false, z: null, list: ['x', '{{result.call_duration_seconds}}', 2, { 'a.b': '{{analysis.slots.callback_at}}' }, ['{{date}}']] }))
      .toEqual({ n: 1, f: false, z: null, list: ['x', 42.5, 2, { a: { b: '2026-01-06' } }, ['2026-01-05']] });
  });
  it('writes "" for what has no value and lists it once', () => {
    const mapper = { a: '{{crm.nope}}', b: 'x{{crm.nope}}y{{analysis.gone.deep}}', c: ['{{nope}}'] };
    expect(mapped(mapper)).toEqual({ a: '', b: 'xy', c: [''] });
    expect(unresolved(mapper)).toEqual(['crm.nope', 'analysis.gone.deep', 'nope']);
  });
  it('falls back to system, crm, call for bare names', () => {
    expect(mapped({ day: '{{weekday}}', id: '{{customer_id}}', session: '{{session_id}}' }))
      .toEqual({ day: 'Monday', id: 'C-1001', session: sampleOutcome().sessionId });
  });

  it.each([
    ['{{result.call_duration_seconds}}', 'string', '42.5'], ['{{crm.tier}}', 'number', 3], ['{{crm.tier}}0', 'number', 30],
    ['{{result.was_transferred}}', 'string', 'false'], ['{{result.was_transferred}}', 'number', 0], ['yes', 'boolean', true], ['0', 'boolean', false],
    ['{{crm.tags}}', 'json', ['a', 'b']], ['{{result.transcript}}', 'string', JSON.stringify(sampleResult().transcript)],
    ['{{result.started_at}}', 'iso8601', '2026-01-05T10:00:00.000Z'], ['{{analysis.slots.callback_at}}', 'iso8601', '2026-01-06T00:00:00.000Z'],
    ['1767607200', 'iso8601', '2026-01-05T10:00:00.000Z'], ['1767607200000', 'iso8601', '2026-01-05T10:00:00.000Z'],
    ['2026-01-05T11:00:00+01:00', 'iso8601', '2026-01-05T10:00:00.000Z'],
  ] as const)('forces %j as %s', (value, as, expected) => {
    const mapper = { out: { value, as } };
    expect(validateMapper(mapper)).toEqual([]);
    expect(mapped(mapper)).toEqual({ out: expected });
    expect(unresolved(mapper)).toEqual([]);
  });
  it.each([['{{crm.customer_id}}', 'number'], ['{{crm.customer_id}}', 'boolean'], ['{{crm.customer_id}}', 'json'], ['{{crm.customer_id}}', 'iso8601'], ['{{crm.customer_id}}x', 'number']] as const)(
    'lists what is not of the type asked for: %s as %s', (value, as) => {
      expect(mapped({ out: { value, as } })).toEqual({ out: '' });
      expect(unresolved({ out: { value, as } })).toEqual(['crm.customer_id']);
    });
  it.each(['string', 'number', 'boolean', 'json', 'iso8601'] as const)('lists a missing value forced to %s', (as) => {
    expect(mapped({ out: { value: '{{crm.nope}}', as } })).toEqual({ out: '' });
    expect(unresolved({ out: { value: '{{crm.nope}}', as } })).toEqual(['crm.nope']);
  });

  it('lets no value bring structure or templates in', () => {
    expect(mapped({ a: '{{crm.sneaky}}', b: 'pre {{crm.sneaky}}' })).toEqual({ a: scope.crm?.sneaky, b: `pre ${String(scope.crm?.sneaky)}` });
  });
  it('cannot reach a prototype by a target or a template', () => {
    const mapper = JSON.parse('{"__proto__.polluted":"yes","__proto__":{"x":"yes"},"constructor.prototype.polluted":"yes","v":"{{crm.__proto__}}","w":"{{crm.constructor.name}}"}') as KeyMapper;
    const body = mapBody(mapper, scope).body;
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(JSON.parse(JSON.stringify(body))).toMatchObject({ v: '', w: '' });
  });
});

const namespacedPath = fc.constantFrom('crm.x', 'call.session_id', 'result.transcript', 'result.call_duration_seconds', 'analysis.nope', 'nope', 'date');
const text = fc.oneof(fc.string(), namespacedPath.map((path) => `{{${path}}}`), fc.tuple(fc.string(), namespacedPath).map(([before, path]) => `${before}{{${path}}}`));
const forced = fc.record({ value: text, as: fc.constantFrom('string', 'number', 'boolean', 'json', 'iso8601') });
const mapperValue = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, text, forced, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(fc.string({ minLength: 1 }), tie('value'), { maxKeys: 3 })),
}));
const mappers = fc.dictionary(fc.string(), mapperValue.value, { maxKeys: 6 }) as fc.Arbitrary<KeyMapper>;

describe('key mapper, for any input', () => {
  it('always builds a body that JSON carries unchanged', () => {
    fc.assert(fc.property(mappers, fc.jsonValue(), (mapper, value) => {
      const { body } = mapBody(mapper, { ...scope, crm: { x: value } });
      const json = JSON.stringify(body);
      expect(JSON.stringify(JSON.parse(json))).toBe(json);
    }));
  });
  it('sends every text value as itself, in one field, in one pass', () => {
    fc.assert(fc.property(fc.string(), (value) => {
      const { body } = mapBody({ whole: '{{crm.x}}', mixed: '<{{crm.x}}>', 'deep.er': ['{{crm.x}}'] }, { crm: { x: value } });
      expect(JSON.parse(JSON.stringify(body))).toEqual({ whole: value, mixed: `<${value}>`, deep: { er: [value] } });
    }));
  });
  it('keeps any JSON value of a whole template exactly', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => {
      expect(JSON.stringify(mapBody({ v: '{{crm.x}}' }, { crm: { x: value } }).body)).toBe(JSON.stringify({ v: value }));
    }));
  });
  it('has exactly the fields of the mapper, whatever the values', () => {
    fc.assert(fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z_]{1,8}$/), { minLength: 1 }), fc.string(), (keys, value) => {
      const mapper = Object.fromEntries(keys.map((key) => [key, '{{crm.x}}']));
      expect(Object.keys(mapBody(mapper, { crm: { x: value } }).body)).toEqual(keys);
    }));
  });
});
