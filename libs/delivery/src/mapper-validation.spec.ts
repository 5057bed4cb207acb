import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mapBody, type KeyMapper } from './key-mapper.js';
import { validateMapper } from './mapper-validation.js';

describe('mapper validation', () => {
  it.each<[string, unknown]>([
    ['constants, templates, nesting', { a: 1, 'b.c': '{{crm.x}}', b: { d: '{{analysis.y.z}}' }, e: [null, '{{date}}'] }],
    ['an object that only looks a little like the option form', { a: { value: '{{crm.x}}', unit: 's' }, b: { value: '1' } }],
    ['single braces', { a: '{not a template}' }],
    ['names that may have no value: those become "" and are listed', { a: '{{lead.x}}', b: '{{result.no_such_field}}', c: '{{NAME}}' }],
  ])('accepts %s', (_name, mapper) => { expect(validateMapper(mapper)).toEqual([]); });

  it.each<[unknown, string, RegExp]>([
    [null, '', /JSON object/], ['x', '', /JSON object/], [[], '', /JSON object/], [{}, '', /at least one/],
    [{ 'a..b': 1 }, 'a..b', /empty parts/], [{ '': 1 }, '', /empty parts/],
    [JSON.parse('{"__proto__":1}'), '__proto__', /cannot be a field name/], [{ 'a.constructor': 1 }, 'a.constructor', /cannot be a field name/],
    [{ a: 1, 'a.b': 2 }, 'a.b', /"a" is mapped twice/], [{ 'a.b': 2, a: { b: 3 } }, 'a.b', /mapped twice/], [{ 'a.b': 2, a: 3 }, 'a', /mapped twice/],
    [{ a: '{{crm.x' }, 'a', /without its partner/], [{ a: 'x}}' }, 'a', /without its partner/], [{ a: '{{}}' }, 'a', /names no field/], [{ a: '{{a..b}}' }, 'a', /names no field/],
    [{ a: { value: 'x', as: 'money' } }, 'a', /"as" must be one of/], [{ a: { value: 5, as: 'string' } }, 'a', /"as" must be one of/],
    [{ a: ['ok', '{{lead.}}'] }, 'a[1]', /names no field/], [{ a: undefined }, 'a', /JSON value/], [{ a: Number.NaN }, 'a', /finite/],
    [{ a: 'x'.repeat(20_000) }, 'a', /longer than/],
    [{ 'a.b.c.d.e.f.g.h.i.j.k': 1 }, 'a.b.c.d.e.f.g.h.i.j.k', /deeper than 10/],
  ])('says what is wrong with %j', (mapper, path, message) => {
    expect(validateMapper(mapper)).toContainEqual({ path, message: expect.stringMatching(message) as unknown as string });
  });

  it('stops at absurd sizes', () => {
    const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`f${i}`, 1]));
    expect(validateMapper(wide)).toEqual([{ path: 'f500', message: 'more than 500 fields' }]);
    let deep: unknown = 1;
    for (let i = 0; i < 50_000; i++) deep = [deep];
    expect(validateMapper({ a: deep })).toHaveLength(1);
  });

  it('never throws, and what it accepts can be mapped', () => {
    fc.assert(fc.property(fc.anything(), (mapper) => {
      if (validateMapper(mapper).length === 0) JSON.stringify(mapBody(mapper as KeyMapper, { crm: {} }).body);
    }));
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (mapper) => {
      if (validateMapper(mapper).length === 0) JSON.stringify(mapBody(mapper as KeyMapper, { crm: {} }).body);
    }));
  });
});
